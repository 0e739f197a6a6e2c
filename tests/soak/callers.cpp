#include "tests/soak/callers.hpp"

#include "tests/demo/session.hpp"
#include "tests/support/wait_until.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <random>

namespace chasqui::soak {

namespace {

using std::chrono::steady_clock;

constexpr std::uint64_t one_is_bad_in = 100;
constexpr std::uint64_t one_is_bulk_in = 4;

struct draft {
  acknowledged what;
  std::string json;
};

draft make_draft(std::size_t caller, std::uint64_t number, std::mt19937_64& random) {
  const auto now = system_time();
  const auto high = random();
  draft d{{make_uuid7(now, high, random()), "main", random() % one_is_bad_in == 0}, ""};
  if (random() % one_is_bulk_in == 0)
    d.what.lane = "bulk";
  const auto id = to_string(d.what.id);
  d.json = R"({"id":")" + id + R"(","lane":")" + d.what.lane +
           R"(","origin":"soak","steps":[{"op":"insert","table":"soak","rows":[{"id":")" + id +
           R"(","caller":)" + std::to_string(caller) + R"(,"number":)" +
           (d.what.bad ? "-1" : std::to_string(number)) + "}]}]}";
  return d;
}

/// A session that is opened when it can be: the daemon may be dead at the moment.
std::variant<receipt, fault> submit(std::optional<night::session>& session, const remote_target& daemon,
                                    const std::string& json) {
  try {
    if (!session)
      session.emplace(daemon);
    return session->submit(json);
  } catch (const std::runtime_error& e) {
    return fault{fault_code::unavailable, e.what(), ""};
  }
}

} // namespace

callers::callers(const remote_target& daemon, call_rate how, std::uint64_t seed)
    : how_{how}, callers_(static_cast<std::size_t>(how.callers)) {
  working_ = how.callers;
  for (std::size_t number = 0; number < callers_.size(); ++number)
    threads_.emplace_back([this, number, daemon, seed] { work(number, daemon, seed + number); });
}

void callers::work(std::size_t number, const remote_target& daemon, std::uint64_t seed) {
  // Ids must be new in every run, even of one seed.
  std::mt19937_64 random{std::random_device{}() ^ seed};
  std::optional<night::session> session;
  const std::chrono::duration<double> interval{1 / how_.per_second};
  auto next = steady_clock::now();
  const auto pace = [&] { // The rate of the load; nobody waits for anything by it.
    next = std::max(next + std::chrono::duration_cast<steady_clock::duration>(interval), steady_clock::now());
    std::this_thread::sleep_until(next);
  };
  for (std::uint64_t count = 0; !no_more_; ++count) {
    const auto d = make_draft(number, count, random);
    ++submitted_;
    for (bool kept = false; !kept;) {
      pace();
      if (give_up_) {
        const std::lock_guard lock{mutex_};
        callers_[number].unanswered.push_back(d.what.id);
        break;
      }
      const auto asked = steady_clock::now();
      const auto answer = submit(session, daemon, d.json);
      const auto* proof = std::get_if<receipt>(&answer);
      kept = proof != nullptr && proof->id == d.what.id;
      if (!kept) {
        ++refused_;
        continue;
      }
      const std::chrono::duration<double, std::milli> took = steady_clock::now() - asked;
      const std::lock_guard lock{mutex_};
      callers_[number].receipts.push_back(d.what);
      callers_[number].took_ms.push_back(took.count());
      in_journal_ += proof->store == store_kind::journal ? 1 : 0;
      buffered_ += proof->durability == durability::buffered ? 1 : 0;
      ++acknowledged_;
    }
  }
  --working_;
}

void callers::stop(std::chrono::seconds patience) {
  no_more_ = true;
  test::wait_until([this] { return working_ == 0; }, test::in(patience));
  give_up_ = true;
  for (auto& thread : threads_)
    if (thread.joinable())
      thread.join();
}

ledger callers::told() const {
  const std::lock_guard lock{mutex_};
  ledger out;
  for (const auto& c : callers_) {
    out.callers.push_back(c.receipts);
    out.unanswered.insert(c.unanswered.begin(), c.unanswered.end());
  }
  return out;
}

double callers::took_ms(double share) const {
  const std::lock_guard lock{mutex_};
  std::vector<double> all;
  for (const auto& c : callers_)
    all.insert(all.end(), c.took_ms.begin(), c.took_ms.end());
  if (all.empty())
    return 0;
  const auto rank = static_cast<std::ptrdiff_t>(std::ceil(share * static_cast<double>(all.size()))) - 1;
  std::nth_element(all.begin(), all.begin() + rank, all.end());
  return all[static_cast<std::size_t>(rank)];
}

} // namespace chasqui::soak
