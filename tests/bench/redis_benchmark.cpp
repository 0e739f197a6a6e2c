#include "tests/bench/redis_benchmark.hpp"

#include "tests/bench/bare_stores.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/wait_until.hpp"

#include <fstream>
#include <iterator>
#include <stdexcept>

namespace chasqui::bench {

double redis_benchmark(const std::string& socket, std::uint64_t requests, int connections, int pipeline,
                       std::size_t bytes) {
  const test::temp_dir dir;
  const std::string payload(bytes, 'x');
  test::child_process::options how;
  how.output = dir.file("out");
  test::child_process running{{"redis-benchmark", "-s", socket, "-n", std::to_string(requests), "-c",
                               std::to_string(connections), "-P", std::to_string(pipeline), "-q", "XADD",
                               "bench:log", "*", "p", payload},
                              how};
  const bool well = running.wait(test::in(std::chrono::minutes{5})) == 0;
  std::ifstream file{dir.file("out")};
  const std::string said{std::istreambuf_iterator<char>{file}, {}};
  const auto end = said.rfind(" requests per second");
  if (!well || end == std::string::npos)
    throw std::runtime_error("redis-benchmark failed: " + said.substr(0, 500));
  bare_redis{socket}.forget();
  return std::stod(said.substr(said.rfind(' ', end - 1) + 1));
}

} // namespace chasqui::bench
