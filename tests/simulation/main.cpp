// simulate: whole histories of an observatory, its link and Cologne, in one thread each and under virtual
// time. A seed is a history.

#include "tests/simulation/history.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <atomic>
#include <iostream>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace chasqui::simulation {

namespace {

struct options {
  std::uint64_t first_seed = 1;
  std::uint64_t seeds = 300;
  std::optional<std::uint64_t> seed;
  std::uint64_t years = 0;
  std::uint64_t acknowledged = 0;
  unsigned threads = 2;
  bool json = false;
  bool trace = false;
  bool stop = false;
  plan_options plans;
};

struct totals {
  std::uint64_t histories = 0;
  std::uint64_t acknowledged = 0;
  std::uint64_t named = 0;
  double link_years = 0;
  std::map<std::string, std::uint64_t> faults;
  std::vector<outcome> broken;

  void add(const outcome& o) {
    constexpr double year_s = 365.25 * 86'400;
    ++histories;
    acknowledged += o.acknowledged;
    named += o.named;
    link_years += std::chrono::duration<double>(o.lasted).count() / year_s;
    for (const auto& [kind, count] : o.faults)
      faults[kind] += count;
    if (o.broken)
      broken.push_back(o);
  }

  [[nodiscard]] bool is_enough(const options& wanted, std::uint64_t next_seed) const {
    constexpr std::size_t violations_max = 20; // More say no more.
    if (broken.size() >= (wanted.stop ? 1 : violations_max))
      return true;
    return next_seed >= wanted.first_seed + wanted.seeds && link_years >= static_cast<double>(wanted.years) &&
           acknowledged >= wanted.acknowledged;
  }
};

void report(const outcome& o, const plan_options& plans) {
  std::cout << "seed " << o.seed << ": " << o.broken->check << ": " << o.broken->what
            << "\n  Again: simulate --seed " << o.seed << (plans.light ? " --light" : "") << std::endl;
}

totals run(const options& o) {
  totals out;
  std::mutex guard;
  std::atomic<std::uint64_t> next{o.first_seed};
  const auto work = [&] {
    for (;;) {
      const auto seed = next++;
      if (const std::lock_guard lock{guard}; out.is_enough(o, seed))
        return;
      const auto done = run_history(seed, o.plans, o.trace ? &std::cout : nullptr);
      const std::lock_guard lock{guard};
      out.add(done);
      if (done.broken)
        report(done, o.plans);
    }
  };
  std::vector<std::thread> others;
  for (unsigned i = 1; i < o.threads; ++i)
    others.emplace_back(work);
  work();
  for (auto& t : others)
    t.join();
  return out;
}

void print(const totals& t, bool json) {
  if (!json) {
    std::cout << t.histories << " histories, " << t.link_years << " years of the link, " << t.acknowledged
              << " transactions acknowledged, " << t.named << " lost by a store and named, "
              << t.broken.size() << " violations\n";
    return;
  }
  const nlohmann::json out{
      {"histories", t.histories}, {"link_years", t.link_years}, {"acknowledged", t.acknowledged},
      {"named", t.named},         {"faults", t.faults},         {"violations", t.broken.size()}};
  std::cout << out.dump() << '\n';
}

int simulate(int argc, char** argv) {
  options o;
  CLI::App app{"Lives through histories of faults, and checks that every promise is kept."};
  app.add_option("--first-seed", o.first_seed, "The first history")->capture_default_str();
  app.add_option("--seeds", o.seeds, "How many histories")->capture_default_str();
  app.add_option("--seed", o.seed, "Just this history, and what is done in it");
  app.add_option("--years", o.years, "And as many more as it takes to simulate the link for so long");
  app.add_option("--acknowledged", o.acknowledged, "And to have so many transactions acknowledged");
  app.add_option("--threads", o.threads, "Histories at the same time")
      ->capture_default_str()
      ->check(CLI::Range(1, 256));
  app.add_flag("--json", o.json, "End with one JSON object");
  app.add_flag("--stop", o.stop, "End at the first violation");
  app.add_flag("--light", o.plans.light, "With a tenth of the work");
  CLI11_PARSE(app, argc, argv);
  if (o.seed) {
    o.first_seed = *o.seed;
    o.seeds = 1;
    o.threads = 1;
    o.trace = true;
  }
  const auto all = run(o);
  print(all, o.json);
  return all.broken.empty() ? 0 : 1;
}

} // namespace

} // namespace chasqui::simulation

int main(int argc, char** argv) { return chasqui::simulation::simulate(argc, argv); }
