#pragma once

#include "messages/identity.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace chasqui::night {

/// One file that an instrument wrote.
struct exposure {
  std::string file;
  std::uint64_t bytes = 0;
  std::string md5;
  std::string target;
  double ra_deg = 0;
  double dec_deg = 0;
  instant start;
  double exposure_s = 0;
  std::string filter;
  std::string instrument;
};

/// What was planned, and the files that came of it; there is one at least.
struct observation {
  std::int32_t unit_id = 0; ///< Derived from the name, so that every night plans the same unit.
  std::string program;
  std::string name;
  std::vector<exposure> exposures; ///< By start.
};

/// Reads a night; records of one observation stand together in the file. Throws `std::runtime_error` with
/// what is wrong with it.
std::vector<observation> read_night(const std::string& path);

} // namespace chasqui::night
