#pragma once

// The two kinds of log, so that what holds for both is tested over both.

#include "adapters/journal.hpp"
#include "adapters/redis.hpp"
#include "tests/support/journal_client.hpp"
#include "tests/support/log_client.hpp"
#include "tests/support/redis_server.hpp"
#include "tests/support/temp_dir.hpp"

#include <memory>
#include <string>
#include <tuple>

namespace chasqui::test {

/// A Redis that holds nothing else, and what opens the log in it.
class fresh_redis {
public:
  fresh_redis() { server().command({"FLUSHALL"}); }
  std::unique_ptr<log_store> make(const std::string& site = "atacama") {
    redis_settings settings;
    settings.socket = server().socket();
    settings.timeout = long_enough;
    settings.remembers_terms = true;
    return make_redis_log(io_, site, settings);
  }
  static redis_server& server() {
    static redis_server one;
    return one;
  }

private:
  io_thread io_;
};

/// A directory that holds nothing else, and what opens the log in it.
class fresh_journal {
public:
  fresh_journal() = default;
  explicit fresh_journal(const std::filesystem::path& base) : dir_{base} {}
  std::shared_ptr<journal_store> make(const std::string& site = "atacama") const {
    return make_journal(site, settings());
  }
  [[nodiscard]] std::string path() const { return dir_.file("journal.db"); }
  [[nodiscard]] const temp_dir& dir() const { return dir_; }
  [[nodiscard]] journal_settings settings() const {
    journal_settings out;
    out.path = path();
    return out;
  }

private:
  temp_dir dir_;
};

using both_stores = std::tuple<fresh_redis, fresh_journal>;

/// A log in a store that holds nothing else; open.
template <class Store> struct fresh_log {
  Store store;
  log_client log{store.make()};

  fresh_log() {
    if (const auto opened = log.open({"main", "bulk"}); opened.problem)
      throw std::runtime_error(opened.problem.message);
  }
};

/// An open journal that holds nothing.
struct open_journal {
  fresh_journal store;
  journal_client log{store.make()};

  open_journal() {
    if (const auto opened = log.open({"main", "bulk"}); opened.problem)
      throw std::runtime_error(opened.problem.message);
  }
};

inline rejected test_refusal(seqno seq, std::uint64_t item, const std::string& lane = "main") {
  return {lane, seq, test_id(item), "23503", "no such parent", test_time(1000 + item)};
}

inline lane_marks marks_up_to(seqno seq, seqno head) { return {"main", 1, head, seq, seq, seq, {}}; }

} // namespace chasqui::test
