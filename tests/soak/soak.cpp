#include "tests/soak/soak.hpp"

#include "config/settings.hpp"
#include "tests/soak/callers.hpp"
#include "tests/soak/faults.hpp"
#include "tests/soak/progress.hpp"
#include "tests/soak/servers.hpp"
#include "tests/support/wait_until.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <utility>

namespace chasqui::soak {

namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr std::uint64_t journal_disk_mebibytes = 96;
constexpr auto insist = 120s;          ///< On what was begun, after the last healing.
constexpr auto settle_patience = 300s; ///< Until all is on the replica.

double seconds_since(time_point then) {
  return std::chrono::duration<double>(steady_clock::now() - then).count();
}

remote_target door_of(const std::string& settings_file) {
  const auto reading = read_settings_file(settings_file, {}, {});
  if (!reading.errors.empty())
    throw std::runtime_error{to_string(reading.errors.front())};
  auto found = target_of(reading.value);
  if (const auto* problem = std::get_if<fault>(&found))
    throw std::runtime_error{problem->message};
  return std::get<remote_target>(found);
}

std::vector<fault_kind> kinds() {
  std::vector<fault_kind> out;
  for (const auto& one : fault_cases())
    out.push_back(one.kind);
  return out;
}

/// The observatory, its load, and the faults that are under way.
class stage {
public:
  explicit stage(const programme& how)
      : how_{how}, kinds_{kinds()}, plan_{kinds_, how.seed, how.pause_max}, began_{steady_clock::now()},
        progress_{how.length, how.seed} {
    make_table(site_.box().direct_dsn());
    site_.start();
    if (!site_.wait_until_ready())
      throw std::runtime_error{"chasquid does not get ready: " + site_.daemon_log()};
    began_ = last_receipt_at_ = steady_clock::now();
    load_.emplace(door_of(site_.box().settings_file()), call_rate{}, how.seed);
  }

  outcome run() {
    while (steady_clock::now() < began_ + how_.length)
      strike(plan_.next());
    heal_until(time_point::max());
    result_.lasted_s = seconds_since(began_);
    settle();
    close_the_books();
    keep_logs();
    return std::move(result_);
  }

private:
  struct open_fault {
    std::size_t kind;
    time_point heal_at;
  };

  void strike(const planned_fault& next) {
    const auto& one = fault_cases()[next.kind];
    heal_until(steady_clock::now() + next.pause);
    while (is_taken(one.kind.strikes)) // In the order of the seed, whatever it takes.
      heal_until(std::min_element(open_.begin(), open_.end(), sooner)->heal_at);
    one.strike(target_, next.draw);
    ++result_.faults[std::string{one.kind.name}];
    progress_.note(one.kind.name);
    open_.push_back({next.kind, steady_clock::now() + next.hold});
  }

  static bool sooner(const open_fault& a, const open_fault& b) { return a.heal_at < b.heal_at; }

  [[nodiscard]] bool is_taken(const std::vector<part>& wanted) const {
    return std::any_of(open_.begin(), open_.end(), [&](const open_fault& f) {
      const auto& taken = kinds_[f.kind].strikes;
      return std::find_first_of(taken.begin(), taken.end(), wanted.begin(), wanted.end()) != taken.end();
    });
  }

  /// Heals what is due until then; with no end, all.
  void heal_until(time_point end) {
    for (;;) {
      const auto next = std::min_element(open_.begin(), open_.end(), sooner);
      const bool none = next == open_.end();
      if (none && end == time_point::max())
        return;
      const auto until = none ? end : std::min(end, next->heal_at);
      test::wait_until([&] { return look_round() && steady_clock::now() >= until; }, until);
      if (none || next->heal_at > end)
        return;
      fault_cases()[next->kind].heal(target_);
      open_.erase(next);
    }
  }

  /// Sees what nobody may do by himself.
  bool look_round() {
    const auto now = steady_clock::now();
    const auto acknowledged = load_->acknowledged();
    if (acknowledged != last_acknowledged_) {
      last_acknowledged_ = acknowledged;
      last_receipt_at_ = now;
    }
    result_.silence_s = std::max(result_.silence_s, seconds_since(last_receipt_at_));
    const bool ours = is_taken({part::daemon});
    if (!ours && !site_.daemon().running()) {
      result_.complaints.push_back("chasquid ended by itself after " + std::to_string(seconds_since(began_)) +
                                   " s");
      site_.start();
    }
    progress_.show(now, load_->submitted(), acknowledged);
    return true;
  }

  void settle() {
    const auto healed = steady_clock::now();
    load_->stop(insist);
    const auto all_there = [](const status_report& s) {
      return s.log.store.state == "open" && s.log.store.kind == store_kind::redis &&
             std::all_of(s.log.lanes.begin(), s.log.lanes.end(),
                         [](const lane_status& l) { return l.replicated == l.head; });
    };
    if (!site_.wait_for(all_there, settle_patience))
      result_.complaints.emplace_back("not everything is replicated: " + why_not());
    result_.settled_s = seconds_since(healed);
  }

  std::string why_not() {
    const auto s = site_.status();
    if (!s)
      return site_.why_no_status();
    std::string out = "store " + s->log.store.state + ", link " + std::string{to_string(s->link.phase)} +
                      " " + s->link.reason + ", replica " + s->replica.state;
    for (const auto& l : s->log.lanes)
      out += ", " + l.lane + " " + std::to_string(l.replicated) + " of " + std::to_string(l.head);
    return out;
  }

  void close_the_books() {
    auto& box = site_.box();
    const auto told = load_->told();
    result_.seed = how_.seed;
    result_.submitted = load_->submitted();
    result_.acknowledged = load_->acknowledged();
    result_.refused = load_->refused();
    result_.commits_undone = target_.commits_undone;
    result_.in_journal = load_->in_journal();
    if (const auto buffered = load_->buffered(); buffered > 0)
      result_.complaints.push_back(std::to_string(buffered) + " receipts say 'buffered'");
    result_.unanswered = told.unanswered.size();
    result_.p50_ms = load_->took_ms(0.50);
    result_.p99_ms = load_->took_ms(0.99);
    result_.passed_over = passed_over_on(box.direct_dsn());
    result_.unaccounted = missing_in(site_.daemon_log());
    const auto primary = look_at(box.direct_dsn());
    result_.primary = judge(told, primary);
    result_.replica = judge(told, look_at(box.replica_dsn()));
    if (result_.primary.clean())
      for (const auto& harm : blind_spots(told, primary))
        result_.complaints.push_back("the account does not see this harm: " + harm);
    for (const auto& f : {result_.primary.first, result_.replica.first})
      if (!f.empty())
        result_.complaints.push_back(f);
  }

  void keep_logs() {
    namespace fs = std::filesystem;
    if (how_.logs.empty())
      return;
    fs::create_directories(how_.logs);
    fs::copy(site_.box().dir() + "/log", how_.logs,
             fs::copy_options::recursive | fs::copy_options::overwrite_existing);
    fs::copy_file(site_.box().dir() + "/chasquid.log", how_.logs + "/chasquid.log",
                  fs::copy_options::overwrite_existing);
  }

  programme how_;
  std::vector<fault_kind> kinds_;
  plan plan_;
  test::small_disk journal_disk_{journal_disk_mebibytes}; ///< Before the daemon, which must see it.
  test::observatory site_{
      {"--rtt", "40"},
      {"lanes=main,bulk", "journal.path=" + (journal_disk_.path() / "journal.sqlite").string()}};
  target target_{site_, journal_disk_};
  std::vector<open_fault> open_;
  outcome result_;
  time_point began_;
  time_point last_receipt_at_;
  std::size_t last_acknowledged_ = 0;
  progress progress_;
  std::optional<callers> load_;
};

} // namespace

std::size_t outcome::fault_count() const {
  std::size_t sum = 0;
  for (const auto& [kind, count] : faults)
    sum += count;
  return sum;
}

outcome run(const programme& how) { return stage{how}.run(); }

} // namespace chasqui::soak
