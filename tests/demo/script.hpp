#pragma once

#include "messages/identity.hpp"
#include "tests/demo/domain.hpp"
#include "tests/demo/fixture.hpp"

#include <cstdint>
#include <functional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace chasqui::night {

/// A transaction that is ready to be submitted, and what it will bring about.
struct draft {
  uuid id;
  std::string json;
  std::vector<written_row> rows;
};

/// Makes UUIDv7s. Each thread has one of its own.
class id_source {
public:
  uuid next();

private:
  std::mt19937_64 random_{std::random_device{}()};
};

/// What the control system says before the night: one transaction a program, with the units planned for it.
std::vector<draft> plan(std::span<const observation> night, std::string_view origin, id_source& ids);

/// What an instrument says while it executes an observation, in order: start, package, each file, end,
/// package closed. `run` tells its repetitions apart.
std::vector<draft> execute(const observation& what, std::uint64_t run, std::string_view origin,
                           id_source& ids);

} // namespace chasqui::night
