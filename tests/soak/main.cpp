#include "tests/soak/soak.hpp"

#include <CLI/CLI.hpp>

#include <exception>
#include <iostream>
#include <random>

int main(int argc, char** argv) {
  using namespace chasqui::soak;
  CLI::App app{"Real processes under load and under random faults, and an account of what became of it."};
  programme how;
  how.seed = std::random_device{}();
  app.add_option("--seed", how.seed, "Faults, their order and their figures follow from it [random]");
  app.add_option_function<double>(
         "--minutes",
         [&how](double minutes) { how.length = std::chrono::seconds{static_cast<long>(minutes * 60)}; },
         "So long faults come [30]")
      ->check(CLI::Range(0.1, 10'000.0));
  app.add_option("--logs", how.logs, "Folder that takes the logs of all processes in the end");
  CLI11_PARSE(app, argc, argv);
  try {
    const auto result = run(how);
    print(std::cout, result);
    std::cout << to_json_text(result) << std::endl;
    return result.clean() ? 0 : 1;
  } catch (const std::exception& e) {
    std::cerr << "soak: " << e.what() << " (--seed " << how.seed << ")\n";
    return 1;
  }
}
