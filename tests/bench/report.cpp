#include "tests/bench/report.hpp"

#include <nlohmann/json.hpp>

#include <array>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <stdexcept>

namespace chasqui::bench {

namespace {

double ratio_of(const row& r) { return r.reference == 0 ? 0 : r.ours / r.reference; }

/// Figures of any size with enough of their digits.
std::string figure(double value) {
  std::array<char, 32> text{};
  const int digits = value >= 1000 ? 0 : value >= 10 ? 1 : value >= 0.1 ? 3 : 4;
  std::snprintf(text.data(), text.size(), "%.*f", digits, value);
  return text.data();
}

std::string plain(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%g", value);
  return text.data();
}

void print_line(const row& r) {
  const auto reference = r.reference == 0 ? std::string{"-"} : figure(r.reference);
  const auto ratio = r.reference == 0 ? std::string{"-"} : figure(ratio_of(r));
  const char* verdict = r.way == goal_is::none ? "" : is_met(r) ? "met" : "NOT MET";
  std::printf("%-62s %10s %-6s  reference %10s  ratio %7s  goal %-20s %s\n", r.name.c_str(),
              figure(r.ours).c_str(), r.unit.c_str(), reference.c_str(), ratio.c_str(), goal_of(r).c_str(),
              verdict);
  std::fflush(stdout);
}

} // namespace

std::string goal_of(const row& r) {
  if (r.way == goal_is::none)
    return "-";
  const std::string sign = r.way == goal_is::at_least ? ">= " : "<= ";
  std::string text;
  if (r.goal_ratio != 0)
    text = sign + plain(r.goal_ratio) + " x";
  if (r.goal_value != 0)
    text += (text.empty() ? "" : ", ") + sign + plain(r.goal_value) + " " + r.unit;
  return text;
}

bool is_met(const row& r) {
  const auto holds = [&](double value, double goal) {
    return goal == 0 || (r.way == goal_is::at_least ? value >= goal : value <= goal);
  };
  return r.way == goal_is::none || (holds(ratio_of(r), r.goal_ratio) && holds(r.ours, r.goal_value));
}

void report::add(const row& r) {
  print_line(r);
  const auto line = nlohmann::json{{"name", r.name},           {"ours", r.ours},
                                   {"reference", r.reference}, {"unit", r.unit},
                                   {"ratio", ratio_of(r)},     {"goal", goal_of(r)},
                                   {"met", is_met(r)},         {"reference_is", r.reference_is}}
                        .dump();
  std::cout << line << std::endl;
  if (!file_.empty() && !(std::ofstream{file_, std::ios::app} << line << '\n'))
    throw std::runtime_error("cannot write " + file_);
  rows_.push_back(r);
}

void report::print_table() const {
  std::printf("\n");
  for (const auto& r : rows_)
    print_line(r);
}

} // namespace chasqui::bench
