// Every benchmark of the table in docs/performance.md, ours beside a reference in the same run.

#include "tests/bench/context.hpp"

#include <CLI/CLI.hpp>

#include <cstdlib>
#include <exception>
#include <filesystem>
#include <iostream>

namespace {

using namespace chasqui::bench;

int run(context& c) {
  int failures = 0;
  for (const auto benchmark : {bench_submit, bench_drain, bench_steady, bench_depth})
    try {
      benchmark(c);
    } catch (const std::exception& e) {
      // The others can still be measured.
      std::cerr << "bench: " << e.what() << '\n';
      ++failures;
    }
  c.results.print_table();
  return failures == 0 ? 0 : 1;
}

} // namespace

int main(int argc, char** argv) {
  const std::set<std::string> known{"1", "2",  "3",  "3b", "4",  "5",    "6",   "7",        "8",
                                    "9", "10", "11", "12", "13", "idle", "bad", "preflight"};
  CLI::App app{"Measures Chasqui against references in the same run."};
  std::vector<std::string> rows;
  std::string json;
  context c;
  const auto* built = std::getenv("SANDBOX_BUILD_DIR"); // NOLINT(concurrency-mt-unsafe): one thread.
  c.curves = std::string{built == nullptr ? "." : built} + "/bench";
  bool quick = false;
  app.add_option("ROW", rows, "rows of the table, such as 1 or 3b; all unless told")
      ->check(CLI::IsMember(known));
  app.add_option("--json", json, "file that gets every row as a line of JSON");
  app.add_option("--scale", c.scale, "of the volumes; 1 is what the table says")
      ->check(CLI::Range(0.001, 10.0));
  app.add_option("--curves", c.curves, "directory of the data for the plots");
  app.add_flag("--quick", quick, "the same as --scale 0.02");
  CLI11_PARSE(app, argc, argv);
  if (quick)
    c.scale = 0.02;
  c.wanted = {rows.begin(), rows.end()};
  std::filesystem::create_directories(c.curves);
  if (!json.empty())
    std::filesystem::remove(json);
  c.results = report{json};
  return run(c);
}
