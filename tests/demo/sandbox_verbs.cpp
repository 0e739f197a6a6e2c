#include "tests/demo/sandbox_verbs.hpp"

#include "tests/support/child_process.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/wait_until.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <fstream>
#include <iostream>
#include <iterator>
#include <stdexcept>
#include <utility>

namespace chasqui::night {

namespace {

constexpr std::chrono::seconds verb_timeout{60};

std::string text_of(const std::string& file) {
  std::ifstream in{file};
  return {std::istreambuf_iterator<char>{in}, {}};
}

} // namespace

sandbox_verbs::sandbox_verbs(std::string program, std::string dir)
    : program_{std::move(program)}, dir_{std::move(dir)} {
  const auto env = nlohmann::json::parse(run("env"));
  primary_dsn_ = env.at("primary").at("direct_dsn");
  replica_dsn_ = env.at("replica").at("dsn");
}

std::string sandbox_verbs::run(const std::string& verb) const {
  const test::temp_dir place;
  const auto output = place.file("output");
  test::child_process script{{program_, verb, "--dir", dir_}, {output, ""}};
  const auto exit_code = script.wait(test::in(verb_timeout));
  if (exit_code != 0)
    throw std::runtime_error{program_ + " " + verb + " --dir " + dir_ +
                             (exit_code ? " failed: " : " does not end: ") + text_of(output)};
  return text_of(output);
}

cut_link::~cut_link() {
  try {
    heal();
  } catch (const std::exception& e) {
    std::cerr << e.what() << '\n';
  }
}

void cut_link::heal() {
  if (healed_)
    return;
  sandbox_.heal();
  healed_ = true;
}

} // namespace chasqui::night
