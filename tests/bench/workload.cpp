#include "tests/bench/workload.hpp"

#include "tests/bench/latencies.hpp"
#include "tests/bench/progress.hpp"
#include "tests/support/observatory.hpp"
#include "tests/support/sql.hpp"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <utility>
#include <variant>

namespace chasqui::bench {

namespace {

using namespace std::chrono_literals;

/// Counts what is under way, for one thread that submits and those that answer it.
class flights {
public:
  flights(runtime& site, std::uint64_t in_flight) : site_{site}, max_{in_flight} {}

  void submit(std::string json) {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [this] { return under_way_ < max_; });
    ++under_way_;
    lock.unlock();
    send(std::make_shared<std::string>(std::move(json)), 0);
  }

  void wait_for_all() {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [this] { return under_way_ == 0; });
    if (!problem_.empty())
      throw std::runtime_error(problem_);
  }

private:
  void send(const std::shared_ptr<std::string>& json, int tries) {
    site_.submit(*json, [this, json, tries](const outcome<receipt>& answer) {
      constexpr int tries_max = 100;
      const auto* why = std::get_if<fault>(&answer);
      if (why != nullptr && tries < tries_max)
        return send(json, tries + 1);
      const std::lock_guard lock{mutex_};
      if (why != nullptr)
        problem_ = "a transaction is refused: " + why->message;
      --under_way_;
      changed_.notify_one();
    });
  }

  runtime& site_;
  std::uint64_t max_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t under_way_ = 0;
  std::string problem_;
};

void steer(runtime& site, steering what) {
  const auto answer = site.steer({what, "bench"});
  if (const auto* why = std::get_if<fault>(&answer))
    throw std::runtime_error("the link cannot be steered: " + why->message);
}

} // namespace

std::string real_sized(std::uint64_t number, bool bad) {
  const auto id = test::random_id();
  return R"({"id":")" + id +
         R"(","origin":"gmos-n","steps":[{"op":"insert","table":"raw_data_file","rows":[{"id":")" + id +
         R"(","executed_obs_unit_id":"0197a4e2-5a5a-7000-8000-00000000b001",)"
         R"("raw_data_package_id":"0197a4e2-5a5a-7000-8000-00000000)" +
         (bad ? "dead" : "b002") +
         R"(",)"
         R"("name":"/observatory/raw/gmos-n/2007-02-21/science/mrgN20070221S)" +
         std::to_string(number) +
         R"(_add.fits.bz2","size":15847270,)"
         R"("checksum":"sha256:93349c5b14c3628341c823d820ae218b2f0a6f7c1d5e4b3a9c8d7e6f5a4b3c2d","object":"M101-pos1",)"
         R"("ra_deg":210.800833400112,"dec_deg":54.34877772501,"exposure_time_s":119.9986,"filter":"g",)"
         R"("instrument":"GMOS-N","observed_at":"2007-02-21T15:49:30Z"}]}]})";
}

void plant_parents(const std::string& dsn) {
  test::sql(
      dsn,
      "INSERT INTO obs_unit (id, program, observation, target) VALUES (990001, 'BENCH', 'BENCH-1', 'M101');"
      "INSERT INTO executed_obs_unit (id, obs_unit_id, status, start_time) VALUES "
      "('0197a4e2-5a5a-7000-8000-00000000b001', 990001, 'running', now());"
      "INSERT INTO raw_data_package (id, executed_obs_unit_id, name, state) VALUES "
      "('0197a4e2-5a5a-7000-8000-00000000b002', '0197a4e2-5a5a-7000-8000-00000000b001', 'bench', 'open')");
}

void clear_primary(const std::string& dsn) {
  test::sql(dsn, "TRUNCATE raw_data_file, chasqui.applied");
  test::sql(dsn, "CHECKPOINT");
}

settings settings_of(const test::sandbox& box, bool remote) {
  auto reading = read_settings_file(box.settings_file(), {}, {});
  if (!reading.errors.empty())
    throw std::runtime_error(to_string(reading.errors.front()));
  if (!remote)
    reading.value.remote.port = 0;
  return reading.value;
}

std::unique_ptr<runtime> start_runtime(const settings& s) {
  auto site = std::make_unique<runtime>(s);
  const auto ready = site->wait({condition::ready, {}, {}, 20s});
  if (const auto* why = std::get_if<fault>(&ready))
    throw std::runtime_error("the runtime does not come up: " + why->message);
  return site;
}

void pause_link(runtime& site) { steer(site, steering::pause); }
void resume_link(runtime& site) { steer(site, steering::resume); }

lane_status lane_of(runtime& site) {
  auto answer = site.status();
  if (const auto* why = std::get_if<fault>(&answer))
    throw std::runtime_error("there is no status: " + why->message);
  return std::get<status_report>(answer).log.lanes.at(0);
}

double fill(runtime& site, std::uint64_t entries, std::uint64_t in_flight, bool with_bad_ones) {
  progress bar{"submitting " + std::to_string(entries), static_cast<double>(entries)};
  const auto began = steady::now();
  flights under_way{site, in_flight};
  for (std::uint64_t i = 0; i < entries; ++i) {
    under_way.submit(real_sized(i, with_bad_ones && i % bad_every == 0));
    bar.at(static_cast<double>(i));
  }
  under_way.wait_for_all();
  return static_cast<double>(entries) / s_since(began);
}

} // namespace chasqui::bench
