#include "tests/demo/account.hpp"

#include <nlohmann/json.hpp>

#include <cmath>
#include <iomanip>
#include <ostream>
#include <string_view>

namespace chasqui::night {

namespace {

double rounded(double value) { return std::round(value * 1000) / 1000; }

double drain_rate(const night_times& t) {
  return t.drain_s > 0 ? static_cast<double>(t.drained) / t.drain_s : 0;
}

template <class Value>
void line(std::ostream& out, std::string_view name, Value value, std::string_view sentence) {
  out << "  " << std::left << std::setw(25) << name << std::right << std::setw(10) << value << "  "
      << sentence << '\n';
}

void print_way(std::ostream& out, const account& a) {
  const auto& f = a.found;
  line(out, "submitted", a.submitted, "transactions that the control processes handed over");
  line(out, "acknowledged", f.acknowledged, "of them have a receipt");
  line(out, "committed", f.committed, "of these are in the primary's chasqui.applied");
  line(out, "replicated", f.replicated, "and in the replica's");
  line(out, "rows expected", f.rows_expected, "rows that the receipts promise, in four tables");
  line(out, "rows on the primary", f.rows_primary, "counted there by SQL, past the link");
  line(out, "rows on the replica", f.rows_replica, "counted there by SQL");
  line(out, "rows different", f.rows_different, "missing, surplus or with other contents than promised");
}

void print_harm(std::ostream& out, const account& a) {
  const auto& f = a.found;
  line(out, "lost", f.lost, "acknowledged, and neither applied nor a dead letter");
  line(out, "duplicated", f.duplicated, "applied more than once");
  line(out, "reordered", f.reordered, "applied in another order than acknowledged");
  line(out, "dead letters", f.dead_letters, "refused by the primary for good");
  line(out, "refused", a.refused, "submits answered with anything but a receipt");
}

void print_times(std::ostream& out, const night_times& t) {
  line(out, "outage, s", t.outage_s, "from the cut of the link until it was healed");
  line(out, "submits in the outage", t.during.count, "asked and acknowledged while the link was cut");
  line(out, "submit p50, ms", t.before.p50_ms, "half the submits before the outage took no longer");
  line(out, "submit p99, ms", t.before.p99_ms, "99 of 100 took no longer");
  line(out, "p99 in the outage, ms", t.during.p99_ms,
       t.during.p99_ms <= 1.5 * t.before.p99_ms
           ? "no more than 1.5 times that: the observatory did not notice"
           : "more than 1.5 times that (the aim is no more; it does not make the account unclean)");
  line(out, "drain, s", t.drain_s, "from the healing until all that waited was on the replica");
  line(out, "drain, transactions/s", drain_rate(t), "so fast did they get there");
}

} // namespace

bool account::clean() const {
  const auto& f = found;
  const bool unharmed = f.lost == 0 && f.duplicated == 0 && f.reordered == 0 && f.dead_letters == 0;
  const bool complete = submitted > 0 && f.acknowledged == submitted && f.committed == submitted &&
                        f.replicated == submitted && refused == 0;
  const bool rows_equal = f.rows_expected > 0 && f.rows_primary == f.rows_expected &&
                          f.rows_replica == f.rows_expected && f.rows_different == 0;
  return unharmed && complete && rows_equal && unfinished.empty();
}

std::string to_json_text(const account& a) {
  const auto& f = a.found;
  const auto& t = a.times;
  const nlohmann::ordered_json j{{"submitted", a.submitted},
                                 {"acknowledged", f.acknowledged},
                                 {"committed", f.committed},
                                 {"replicated", f.replicated},
                                 {"rows_expected", f.rows_expected},
                                 {"rows_primary", f.rows_primary},
                                 {"rows_replica", f.rows_replica},
                                 {"rows_different", f.rows_different},
                                 {"lost", f.lost},
                                 {"duplicated", f.duplicated},
                                 {"reordered", f.reordered},
                                 {"dead_letters", f.dead_letters},
                                 {"refused", a.refused},
                                 {"outage_s", rounded(t.outage_s)},
                                 {"submits_during_outage", t.during.count},
                                 {"submit_p50_ms", rounded(t.before.p50_ms)},
                                 {"submit_p99_ms", rounded(t.before.p99_ms)},
                                 {"submit_p99_ms_during_outage", rounded(t.during.p99_ms)},
                                 {"drain_s", rounded(t.drain_s)},
                                 {"drain_txn_per_s", rounded(drain_rate(t))},
                                 {"clean", a.clean()}};
  return j.dump(2);
}

void print(std::ostream& out, const account& a) {
  const auto flags = out.flags();
  const auto precision = out.precision();
  out << std::fixed << std::setprecision(2) << "\nThe account of the night\n\n";
  print_way(out, a);
  out << '\n';
  print_harm(out, a);
  out << '\n';
  print_times(out, a.times);
  out << '\n';
  if (!a.unfinished.empty())
    out << "  It did not come to its end: " << a.unfinished << '\n';
  if (!a.first_refusal.empty())
    out << "  The first refusal: " << a.first_refusal << '\n';
  out << (a.clean()
              ? "  CLEAN: what was acknowledged was delivered, once and in order.\n"
              : "  NOT CLEAN: figures above that should be equal differ, or one that should be 0 is not.\n");
  out.flags(flags);
  out.precision(precision);
}

} // namespace chasqui::night
