#include "tests/bench/bare_pipeline.hpp"

#include "adapters/primary_entry.hpp"
#include "tests/bench/latencies.hpp"
#include "tests/bench/progress.hpp"
#include "tests/bench/workload.hpp"
#include "tests/support/observatory.hpp"

#include <libpq-fe.h>
#include <nlohmann/json.hpp>
#include <poll.h>

#include <array>
#include <deque>
#include <memory>
#include <stdexcept>

namespace chasqui::bench {

namespace {

constexpr std::uint64_t together_max = 64; ///< Transactions in one, as in adapters/primary_pipeline.cpp.
constexpr std::uint64_t barrier_every = 1000;
constexpr const char* lane = "'sandbox', 'bare', 1";

class bare_pipeline {
public:
  bare_pipeline(const std::string& dsn, const ready_statements& what) : what_{what} {
    connection_.reset(PQconnectdb(dsn.c_str()));
    require(PQstatus(connection_.get()) == CONNECTION_OK);
    require(PQsetnonblocking(connection_.get(), 1) == 0 && PQenterPipelineMode(connection_.get()) == 1);
  }

  drained run() {
    began_ = steady::now();
    prepare();
    progress bar{"a bare pipeline drains", total()};
    while (done_ < total()) {
      const bool left = fill_socket();
      take_answers();
      bar.at(done_);
      if (done_ < total())
        wait(left);
    }
    return {s_since(began_), std::move(curve_)};
  }

private:
  struct closer {
    void operator()(PGconn* c) const noexcept { PQfinish(c); }
  };
  using result = std::unique_ptr<PGresult, decltype(&PQclear)>;

  [[nodiscard]] double total() const {
    const auto& last = what_.all().back();
    return static_cast<double>(last.first + last.count - 1);
  }

  void require(bool holds) {
    if (!holds)
      throw std::runtime_error(std::string{"bare pipeline: "} + PQerrorMessage(connection_.get()));
  }

  void prepare() {
    auto* c = connection_.get();
    const std::array<std::pair<const char*, std::string>, 4> all{
        {{"advance", std::string{"SELECT chasqui.advance("} + lane + ", $1::bigint, $2::uuid[])"},
         {"barrier",
          std::string{"SELECT set_config('synchronous_commit', 'on', true), chasqui.barrier("} + lane + ")"},
         {"flushed",
          "SELECT pg_current_wal_flush_lsn(), left(pg_walfile_name(pg_current_wal_flush_lsn()), 8)"},
         {"insert", what_.insert()}}};
    ask("SELECT set_config('synchronous_commit', 'off', false)");
    ask((std::string{"SELECT chasqui.begin_epoch("} + lane + ")").c_str());
    for (const auto& [name, text] : all)
      require(PQsendPrepare(c, name, text.c_str(), 0, nullptr) == 1);
    sync(0);
  }

  void ask(const char* text) {
    require(PQsendQueryParams(connection_.get(), text, 0, nullptr, nullptr, nullptr, nullptr, 0) == 1);
  }

  void run_prepared(const char* name, const std::vector<const char*>& values) {
    require(PQsendQueryPrepared(connection_.get(), name, static_cast<int>(values.size()), values.data(),
                                nullptr, nullptr, 0) == 1);
  }

  /// `durable`: transactions that are on disk once this Sync is answered; 0 for none more.
  void sync(double durable) {
    require(PQpipelineSync(connection_.get()) == 1);
    syncs_.push_back(durable);
  }

  /// Whether the socket is full.
  bool fill_socket() {
    while (next_ < what_.all().size() && PQflush(connection_.get()) == 0) {
      const auto& t = what_.all()[next_++];
      const auto first = std::to_string(t.first);
      run_prepared("advance", {first.c_str(), t.ids.c_str()});
      run_prepared("insert", {t.rows.c_str()});
      sync(0);
      since_barrier_ += t.count;
      if (since_barrier_ >= barrier_every || next_ == what_.all().size())
        barrier(static_cast<double>(t.first + t.count - 1));
    }
    const int left = PQflush(connection_.get());
    require(left >= 0);
    return left > 0;
  }

  void barrier(double durable) {
    since_barrier_ = 0;
    run_prepared("barrier", {});
    sync(0);
    run_prepared("flushed", {});
    sync(durable);
  }

  void take_answers() {
    auto* c = connection_.get();
    require(PQconsumeInput(c) == 1);
    while (!syncs_.empty() && PQisBusy(c) == 0) {
      const result answer{PQgetResult(c), PQclear};
      if (!answer)
        continue;
      const auto status = PQresultStatus(answer.get());
      require(status != PGRES_FATAL_ERROR && status != PGRES_PIPELINE_ABORTED);
      if (status != PGRES_PIPELINE_SYNC)
        continue;
      if (const auto durable = syncs_.front(); durable > 0) {
        done_ = durable;
        curve_.emplace_back(s_since(began_), done_);
      }
      syncs_.pop_front();
    }
  }

  void wait(bool for_room) {
    pollfd p{PQsocket(connection_.get()), static_cast<short>(for_room ? POLLIN | POLLOUT : POLLIN), 0};
    constexpr int patience_ms = 30'000;
    if (poll(&p, 1, patience_ms) == 0)
      throw std::runtime_error("bare pipeline: the primary does not answer");
  }

  const ready_statements& what_;
  std::unique_ptr<PGconn, closer> connection_;
  steady::time_point began_;
  std::size_t next_ = 0;
  std::uint64_t since_barrier_ = 0;
  std::deque<double> syncs_;
  double done_ = 0;
  drain_curve curve_;
};

} // namespace

ready_statements::ready_statements(std::uint64_t transactions) {
  std::vector<statement> statements;
  std::vector<uuid> depends_on;
  for (std::uint64_t first = 1; first <= transactions; first += together_max) {
    statements.clear();
    together next{first, std::min(together_max, transactions - first + 1), "{", ""};
    for (std::uint64_t i = 0; i < next.count; ++i) {
      const auto json = real_sized(first + i);
      next.ids += (next.ids.size() > 1 ? "," : "") + json.substr(7, 36);
      if (const auto problem = statements_of(json, statements, depends_on))
        throw std::runtime_error(problem.message);
    }
    next.ids += "}";
    join_inserts(statements);
    if (statements.size() != 1)
      throw std::runtime_error("the workload is no longer one statement");
    insert_ = statements.front().sql;
    next.rows = std::move(statements.front().params.front());
    all_.push_back(std::move(next));
  }
}

drained drain_by_bare_pipeline(const std::string& dsn, const ready_statements& what) {
  return bare_pipeline{dsn, what}.run();
}

} // namespace chasqui::bench
