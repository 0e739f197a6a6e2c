// A control process with Chasqui inside: it records an observation and does not care whether Cologne can be
// reached.
//
//     embedding SETTINGS.toml

#include "runtime/runtime.hpp"

#include <iostream>
#include <variant>

namespace {

constexpr auto start = R"({"origin": "tcs", "steps": [
  {"op": "upsert", "table": "obs_unit", "key": ["id"],
   "rows": [{"id": 900001, "program": "EXAMPLE", "observation": "EXAMPLE-1", "target": "M101"}]},
  {"op": "insert", "table": "executed_obs_unit",
   "rows": [{"id": "0197a4e2-5a5a-7000-8000-00000000e001", "obs_unit_id": 900001, "status": "running",
             "start_time": "2026-11-22T00:10:00Z"}]}]})";

constexpr auto finish = R"({"origin": "tcs", "steps": [
  {"op": "update", "table": "executed_obs_unit", "where": {"id": "0197a4e2-5a5a-7000-8000-00000000e001"},
   "set": {"status": "completed", "end_time": "2026-11-22T00:12:00Z"}}]})";

int complain(const chasqui::fault& problem) {
  std::cerr << to_string(problem.code) << ": " << problem.message << '\n';
  return 1;
}

} // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: embedding SETTINGS.toml\n";
    return 2;
  }
  auto reading = chasqui::read_settings_file(argv[1], {}, {});
  for (const auto& e : reading.errors)
    std::cerr << to_string(e) << '\n';
  if (!reading.errors.empty())
    return 2;
  reading.value.remote.port = 0; // Nobody from outside needs this one.

  chasqui::runtime site{reading.value};
  site.subscribe([](const chasqui::event& e) {
    if (e.kind == chasqui::event_kind::link)
      std::cout << "link: " + e.detail + "\n" << std::flush;
  });
  if (const auto ready = site.wait({chasqui::condition::ready, {}, {}, std::chrono::seconds{10}});
      const auto* problem = std::get_if<chasqui::fault>(&ready))
    return complain(*problem);

  // With a callback, for those who must not wait even for the disk; with a future, for those who want the
  // receipt here.
  site.submit(start, [](const chasqui::outcome<chasqui::receipt>&) {});
  const auto kept = site.submit(finish).get();
  if (const auto* problem = std::get_if<chasqui::fault>(&kept))
    return complain(*problem);
  const auto& proof = std::get<chasqui::receipt>(kept);
  std::cout << "kept as " << proof.lane << ":" << proof.seq << ", " << to_string(proof.durability) << '\n';

  const auto arrived = site.wait(
      {chasqui::condition::transaction, proof.id, chasqui::stage::replicated, std::chrono::seconds{30}});
  if (const auto* problem = std::get_if<chasqui::fault>(&arrived))
    return complain(*problem);
  const auto stage = std::get<chasqui::reached>(arrived).stage;
  std::cout << to_string(stage) << '\n';
  return stage == chasqui::stage::replicated ? 0 : 1;
}
