#pragma once

#include <string>

namespace chasqui::bench {

/// One line of a benchmark's result: ours against a reference measured in the same run.
struct row {
  std::string name;
  double ours = 0;
  double reference = 0;
  std::string unit;
  std::string goal; ///< For people, such as ">= 10000 txn/s".
  bool met = false;
  std::string reference_is;
};

/// Prints it for people and as a line of JSON.
void print(const row& r);

} // namespace chasqui::bench
