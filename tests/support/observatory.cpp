#include "tests/support/observatory.hpp"

#include "tests/support/sql.hpp"
#include "tests/support/wait_until.hpp"

#include <cstdlib>
#include <fstream>
#include <random>
#include <sstream>
#include <stdexcept>

namespace chasqui::test {

namespace {

constexpr std::chrono::seconds connect_timeout{10};
constexpr std::chrono::milliseconds retry_pause{50};

settings read_sandbox_settings(const sandbox& box) {
  auto reading = read_settings_file(box.settings_file(), {}, {});
  if (!reading.errors.empty())
    throw std::runtime_error(to_string(reading.errors.front()));
  return reading.value;
}

} // namespace

bool is_passing(const refusal& answer) {
  const auto code = answer.why.code;
  return answer.unreachable || code == fault_code::store_unavailable || code == fault_code::outcome_unknown ||
         code == fault_code::unavailable;
}

std::string program(const std::string& name) {
  const char* build = std::getenv("SANDBOX_BUILD_DIR"); // NOLINT(concurrency-mt-unsafe): nobody sets it.
  if (build == nullptr)
    throw std::runtime_error("SANDBOX_BUILD_DIR is not set: run this test through ctest");
  return std::string{build} + "/bin/" + name;
}

observatory::observatory(const std::vector<std::string>& sandbox_options, std::vector<std::string> flags)
    : box_{sandbox_options}, settings_{read_sandbox_settings(box_)}, flags_{std::move(flags)} {
  sql(box_.direct_dsn(), "CREATE TABLE probe (id uuid PRIMARY KEY, origin int NOT NULL, number int NOT NULL, "
                         "arrival bigserial, CHECK (number >= 0));"
                         "GRANT ALL ON probe TO PUBLIC; GRANT ALL ON SEQUENCE probe_arrival_seq TO PUBLIC");
  auto target = target_of(settings_);
  if (auto* problem = std::get_if<fault>(&target))
    throw std::runtime_error(problem->message);
  client_ = std::make_unique<remote_client>(std::get<remote_target>(target));
}

void observatory::start() {
  std::vector<std::string> argv{program("chasquid"), "--config", box_.settings_file()};
  for (const auto& flag : flags_)
    argv.insert(argv.end(), {"--set", flag});
  daemon_ = std::make_unique<child_process>(argv, child_process::options{box_.dir() + "/chasquid.log", ""});
}

receipt observatory::keep(const std::string& json) {
  const auto answer = ask_until_told<receipt>(submission{json});
  if (const auto* problem = std::get_if<refusal>(&answer))
    throw std::runtime_error("not kept: " + problem->why.message);
  return std::get<receipt>(answer);
}

std::optional<status_report> observatory::status() {
  auto answer = ask<status_report>(get_report{});
  if (auto* report = std::get_if<status_report>(&answer))
    return std::move(*report);
  why_no_status_ = std::get<refusal>(answer).why.message;
  return std::nullopt;
}

std::optional<fault> observatory::reconnect(std::uint64_t broken_session) {
  const std::unique_lock lock{session_mutex_};
  if (session_ != broken_session)
    return std::nullopt; // Another thread was here first.
  ++session_;
  auto problem = client_->connect(connect_timeout);
  connected_ = !problem;
  return problem;
}

bool observatory::wait_for(const std::function<bool(const status_report&)>& holds,
                           std::chrono::milliseconds within) {
  return wait_until(
      [&] {
        const auto report = status();
        return report && holds(*report);
      },
      in(within));
}

bool observatory::wait_until_granted(const std::string& table) {
  const auto question =
      "SELECT has_table_privilege('chasqui_forwarder', to_regclass('" + table + "'), 'INSERT')";
  return wait_until([&] { return sql(box_.replica_dsn(), question) == "t"; });
}

std::string observatory::daemon_log() const {
  std::ostringstream out;
  out << std::ifstream{box_.dir() + "/chasquid.log"}.rdbuf();
  return out.str();
}

std::string random_id() {
  thread_local std::mt19937_64 random{std::random_device{}()};
  const auto high = random();
  return to_string(make_uuid7(system_time(), high, random()));
}

std::string probe_insert(const std::string& id, int origin, int number) {
  return R"({"id":")" + id + R"(","origin":"probe","steps":[{"op":"insert","table":"probe","rows":[{"id":")" +
         id + R"(","origin":)" + std::to_string(origin) + R"(,"number":)" + std::to_string(number) + "}]}]}";
}

load::load(observatory& where, int origins, std::chrono::milliseconds pace) : where_{where}, pace_{pace} {
  for (int origin = 0; origin < origins; ++origin)
    threads_.emplace_back([this, origin] { work(origin); });
}

void load::stop() {
  stopping_ = true;
  for (auto& thread : threads_)
    if (thread.joinable())
      thread.join();
}

void load::work(int origin) {
  for (int number = 0; !stopping_; ++number) {
    const auto next_at = in(pace_);
    const auto id = random_id();
    const auto json = probe_insert(id, origin, number);
    for (bool kept = false; !kept && !stopping_;) {
      const auto answer = where_.submit(json);
      const auto* proof = std::get_if<receipt>(&answer);
      if (proof == nullptr) {
        // A session costs more than a submission.
        wait_until([&] { return stopping_.load(); }, in(retry_pause));
        continue;
      }
      const std::lock_guard lock{mutex_};
      receipts_.emplace(id, *proof);
      ++acknowledged_;
      kept = true;
    }
    wait_until([&] { return stopping_.load(); }, next_at);
  }
}

bool load::wait_for(std::size_t more, std::chrono::milliseconds within) const {
  const auto wanted = acknowledged_ + more;
  return wait_until([&] { return acknowledged_ >= wanted; }, in(within));
}

receipt_map load::receipts() const {
  const std::lock_guard lock{mutex_};
  return receipts_;
}

std::string account(const std::string& dsn, const receipt_map& receipts, final_numbers numbers) {
  database db{dsn};
  std::map<std::string, seqno> applied;
  seqno last_arrival = 0;
  for (const auto& row :
       db.rows("SELECT a.txn_id, a.seq, p.arrival FROM chasqui.applied a JOIN probe p ON p.id = "
               "a.txn_id ORDER BY a.seq")) {
    applied.emplace(row[0], std::stoull(row[1]));
    const auto arrival = std::stoull(row[2]);
    if (arrival <= last_arrival)
      return "seq " + row[1] + " was applied before its elder";
    last_arrival = arrival;
  }
  for (const auto& [id, proof] : receipts) {
    const auto found = applied.find(id);
    if (found == applied.end())
      return "lost: " + id + ", acknowledged as " + std::to_string(proof.seq);
    const bool is_final = numbers == final_numbers::all ||
                          (numbers == final_numbers::of_redis && proof.store == store_kind::redis);
    if (is_final && found->second != proof.seq)
      return id + " was acknowledged as " + std::to_string(proof.seq) + " and applied as " +
             std::to_string(found->second);
  }
  const auto rows = db.value("SELECT count(*) FROM probe");
  if (rows != std::to_string(applied.size()))
    return rows + " rows of " + std::to_string(applied.size()) + " transactions";
  return "";
}

std::string account(const observatory& site, const std::string& dsn, const receipt_map& receipts) {
  const bool began_without_redis = site.daemon_log().find("the journal keeps the log: ") != std::string::npos;
  return account(dsn, receipts, began_without_redis ? final_numbers::of_redis : final_numbers::all);
}

} // namespace chasqui::test
