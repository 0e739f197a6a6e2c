#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace chasqui::bench {

/// Which way a goal lies.
enum class goal_is : std::uint8_t { at_least, at_most, none };

/// One line of a benchmark's result: ours against a reference measured in the same run.
struct row {
  std::string name; ///< Begins with the number of its row in the table of docs/performance.md.
  double ours = 0;
  double reference = 0; ///< 0 if there is none.
  std::string unit;
  goal_is way = goal_is::none;
  double goal_ratio = 0; ///< Of ours to the reference; 0 if the goal is a figure by itself.
  double goal_value = 0; ///< Of ours, beside the ratio; 0 if there is none.
  std::string reference_is;
};

/// The goal in words, such as `<= 1.5 x` or `<= 160 bytes`; `-` if there is none.
std::string goal_of(const row& r);
bool is_met(const row& r);

/// Everything that was measured, in order.
class report {
public:
  /// Where every row goes as a line of JSON, too; "" for nowhere.
  explicit report(std::string file) : file_{std::move(file)} {}

  /// Prints it for people and as a line of JSON.
  void add(const row& r);

  /// Prints all of them as one table.
  void print_table() const;

private:
  std::string file_;
  std::vector<row> rows_;
};

} // namespace chasqui::bench
