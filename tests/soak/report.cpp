#include "tests/soak/soak.hpp"

#include <nlohmann/json.hpp>

#include <iomanip>
#include <ostream>
#include <string_view>

namespace chasqui::soak {

namespace {

template <class Value> void line(std::ostream& out, std::string_view name, const Value& value) {
  out << "  " << std::left << std::setw(34) << name << std::right << std::setw(12) << value << '\n';
}

void print(std::ostream& out, const char* server, const findings& f) {
  out << server << ", by SQL\n";
  line(out, "acknowledged and applied", f.applied);
  line(out, "acknowledged, and dead letters", f.dead_letters);
  line(out, "lost", f.lost);
  line(out, "doubled", f.doubled);
  line(out, "reordered", f.reordered);
  line(out, "submitted by nobody", f.strange);
}

nlohmann::json to_json(const findings& f) {
  return {{"applied", f.applied}, {"dead_letters", f.dead_letters}, {"lost", f.lost},
          {"doubled", f.doubled}, {"reordered", f.reordered},       {"strange", f.strange}};
}

} // namespace

void print(std::ostream& out, const outcome& o) {
  out << std::fixed << std::setprecision(1) << "faults\n";
  for (const auto& [kind, count] : o.faults)
    line(out, kind, count);
  line(out, "all", o.fault_count());
  out << "transactions\n";
  line(out, "submitted", o.submitted);
  line(out, "acknowledged", o.acknowledged);
  line(out, "of them by the journal", o.in_journal);
  line(out, "never acknowledged", o.unanswered);
  line(out, "answers other than a receipt", o.refused);
  line(out, "submit p50, ms", o.p50_ms);
  line(out, "submit p99, ms", o.p99_ms);
  line(out, "longest without any receipt, s", o.silence_s);
  line(out, "all on the replica after, s", o.settled_s);
  line(out, "commits that failovers undid", o.commits_undone);
  line(out, "numbers passed over", o.passed_over);
  line(out, "called missing", o.unaccounted);
  print(out, "the primary", o.primary);
  print(out, "the replica", o.replica);
  for (const auto& complaint : o.complaints)
    out << "not as it must be: " << complaint << '\n';
  out << (o.clean() ? "clean" : "NOT CLEAN") << ", --seed " << o.seed << '\n';
}

std::string to_json_text(const outcome& o) {
  return nlohmann::json{{"seed", o.seed},
                        {"lasted_s", o.lasted_s},
                        {"faults", o.fault_count()},
                        {"faults_by_kind", o.faults},
                        {"submitted", o.submitted},
                        {"acknowledged", o.acknowledged},
                        {"unanswered", o.unanswered},
                        {"refused", o.refused},
                        {"submit_p50_ms", o.p50_ms},
                        {"submit_p99_ms", o.p99_ms},
                        {"silence_s", o.silence_s},
                        {"settled_s", o.settled_s},
                        {"commits_undone", o.commits_undone},
                        {"passed_over", o.passed_over},
                        {"unaccounted", o.unaccounted},
                        {"in_journal", o.in_journal},
                        {"lost", o.primary.lost + o.replica.lost},
                        {"doubled", o.primary.doubled + o.replica.doubled},
                        {"reordered", o.primary.reordered + o.replica.reordered},
                        {"primary", to_json(o.primary)},
                        {"replica", to_json(o.replica)},
                        {"complaints", o.complaints},
                        {"clean", o.clean()}}
      .dump();
}

} // namespace chasqui::soak
