#include "adapters/pg_asker.hpp"
#include "adapters/postgres.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <libpq-fe.h>

#include <algorithm>
#include <utility>

namespace chasqui {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::milliseconds idle_patience{std::chrono::hours{1}};

/// Connections between two snapshots; on the I/O thread.
struct row_connections {
  row_connections(io_thread& i, std::string s, postgres_settings p)
      : io{i}, site{std::move(s)}, settings{std::move(p)} {}

  std::shared_ptr<pg_asker> take() {
    std::erase_if(idle, [](const auto& one) { return !one->is_usable(); });
    if (idle.empty())
      return std::make_shared<pg_asker>(io, settings.dsn, "chasqui " + site + " reader", "the replica");
    auto one = std::move(idle.back());
    idle.pop_back();
    return one;
  }

  /// Ends the snapshot; the connection serves the next one.
  static void give_back(const std::shared_ptr<row_connections>& to, std::shared_ptr<pg_asker> one) {
    ask_last(to, std::move(one), {{"ROLLBACK", {}}}, [](const pg_answers&) {});
  }

  /// One more call, after which the connection serves others. It is kept here meanwhile: what a call under
  /// way holds must not hold the connection, or neither would go when the I/O ends.
  static void ask_last(const std::shared_ptr<row_connections>& to, std::shared_ptr<pg_asker> one,
                       std::vector<pg_question> questions, const std::function<void(pg_answers)>& then) {
    auto* const asker = one.get();
    to->busy.push_back(std::move(one));
    asker->ask(
        std::move(questions),
        [weak = std::weak_ptr{to}, asker, then](pg_answers answers) {
          const auto from = weak.lock();
          if (!from)
            return;
          const auto found = std::find_if(from->busy.begin(), from->busy.end(),
                                          [asker](const auto& r) { return r.get() == asker; });
          if (answers.problem)
            asker->abandon();
          else
            asker->give_patience(idle_patience);
          from->idle.push_back(std::move(*found));
          from->busy.erase(found);
          then(std::move(answers));
        },
        asked::each);
  }

  io_thread& io;
  std::string site;
  postgres_settings settings;
  std::vector<std::shared_ptr<pg_asker>> idle; ///< Those that broke are removed by `take`.
  std::vector<std::shared_ptr<pg_asker>> busy; ///< With a last call.
};

void probe_rows(const std::shared_ptr<row_connections>& connections, const std::vector<rows_probed>& wanted,
                std::chrono::milliseconds patience, handler<probe_result> then) {
  auto one = connections->take();
  one->give_patience(patience);
  std::vector<pg_question> questions;
  questions.reserve(wanted.size());
  for (const auto& each : wanted)
    questions.push_back(ask_for_existing(each));
  row_connections::ask_last(
      connections, std::move(one), std::move(questions), [then = std::move(then)](pg_answers answers) {
        probe_result out{std::move(answers.problem), {}};
        for (const auto& answer : answers.each)
          out.found.push_back(answer ? std::optional{read_existing(answer)} : std::nullopt);
        then(std::move(out));
      });
}

/// The snapshot proper, on the I/O thread.
class row_view final : public std::enable_shared_from_this<row_view> {
public:
  explicit row_view(std::shared_ptr<row_connections> from) : from_{std::move(from)} {}

  void open(const std::string& table, rows_wanted first, std::chrono::milliseconds patience,
            handler<snapshot_opened> then);
  void fetch(const std::vector<rows_wanted>& wanted, handler<base_page> then);
  void rank(const std::vector<std::string>& records, const std::vector<std::size_t>& columns,
            handler<ranking> then);
  void close();

private:
  void take_table(pg_answers answers, const rows_wanted& first, const handler<snapshot_opened>& then);
  fault take_shape(pg_answers& answers);

  std::shared_ptr<row_connections> from_;
  std::shared_ptr<pg_asker> at_;
  known_table table_;
  snapshot_opened opened_;
  bool closed_ = false;
};

void row_view::open(const std::string& table, rows_wanted first, std::chrono::milliseconds patience,
                    handler<snapshot_opened> then) {
  at_ = from_->take();
  at_->give_patience(patience);
  std::vector<pg_question> questions{
      {"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", {}},
      {"SET LOCAL statement_timeout = " + std::to_string(std::max<std::int64_t>(patience.count(), 1)), {}},
      ask_for_table(table),
      ask_for_cursors(from_->site)};
  at_->ask(std::move(questions),
           [weak = weak_from_this(), first = std::move(first), then = std::move(then)](pg_answers answers) {
             if (const auto self = weak.lock())
               self->take_table(std::move(answers), first, then);
           });
}

fault row_view::take_shape(pg_answers& answers) {
  constexpr std::size_t expected = 4;
  if (answers.problem || answers.each.size() != expected)
    return answers.problem ? answers.problem
                           : fault{fault_code::link_lost, "the replica answers too little", ""};
  table_ = read_table(answers.each[2]);
  opened_.cursors = read_cursors(answers.each[3]);
  if (table_.kind.empty())
    return {fault_code::not_found, "The replica has no such table, or this role may not see it.", "table"};
  if (table_.kind != "r" && table_.kind != "p")
    return {fault_code::malformed, "That is no table.", "table"};
  return {};
}

void row_view::take_table(pg_answers answers, const rows_wanted& first,
                          const handler<snapshot_opened>& then) {
  opened_.problem = take_shape(answers);
  opened_.table = table_.shape;
  if (opened_.problem || closed_)
    return then(std::move(opened_));
  const auto lacks = [this](const std::string& name) {
    const auto& all = table_.shape.columns;
    return std::none_of(all.begin(), all.end(), [&](const auto& c) { return c.name == name; });
  };
  // Whoever asked for them says so with a suggestion.
  if (std::any_of(first.columns.begin(), first.columns.end(), lacks) ||
      std::any_of(first.order.begin(), first.order.end(), [&](const auto& o) { return lacks(o.column); }))
    return then(std::move(opened_));
  fetch({first}, [weak = weak_from_this(), then](base_page page) {
    const auto self = weak.lock();
    if (!self)
      return;
    self->opened_.problem = std::move(page.problem);
    self->opened_.found = std::move(page.found);
    then(std::move(self->opened_));
  });
}

void row_view::fetch(const std::vector<rows_wanted>& wanted, handler<base_page> then) {
  std::vector<pg_question> questions;
  questions.reserve(wanted.size());
  for (const auto& one : wanted)
    questions.push_back(ask_for_rows(table_.shape, one));
  at_->ask(std::move(questions), [then = std::move(then)](pg_answers answers) {
    base_page page{std::move(answers.problem), {}};
    for (const auto& answer : answers.each)
      read_rows_into(answer, page.found);
    then(std::move(page));
  });
}

void row_view::rank(const std::vector<std::string>& records, const std::vector<std::size_t>& columns,
                    handler<ranking> then) {
  at_->ask({ask_for_ranks(table_, records, columns)},
           [count = table_.shape.columns.size(), then = std::move(then)](pg_answers answers) {
             ranking out{std::move(answers.problem), {}};
             for (const auto& answer : answers.each)
               out.lines = read_ranks(answer, count);
             then(std::move(out));
           });
}

/// The connection serves the next one, once it has let go of this view.
void row_view::close() {
  closed_ = true;
  if (!at_)
    return;
  auto at = std::exchange(at_, nullptr);
  if (at->is_busy())
    at->abandon();
  else
    row_connections::give_back(from_, std::move(at));
}

class pg_row_snapshot final : public row_snapshot {
public:
  pg_row_snapshot(io_thread& io, std::shared_ptr<row_view> v) : io_{io}, view_{std::move(v)} {}
  pg_row_snapshot(const pg_row_snapshot&) = delete;
  pg_row_snapshot& operator=(const pg_row_snapshot&) = delete;
  ~pg_row_snapshot() override {
    asio::post(io_.context(), [v = std::move(view_)] { v->close(); });
  }

  void fetch(std::vector<rows_wanted> wanted, handler<base_page> then) override {
    asio::post(io_.context(),
               [v = view_, wanted = std::move(wanted), then = std::move(then)] { v->fetch(wanted, then); });
  }
  void rank(std::vector<std::string> records, std::vector<std::size_t> columns,
            handler<ranking> then) override {
    asio::post(io_.context(), [v = view_, records = std::move(records), columns = std::move(columns),
                               then = std::move(then)] { v->rank(records, columns, then); });
  }

private:
  io_thread& io_;
  std::shared_ptr<row_view> view_;
};

class pg_row_source final : public row_source {
public:
  pg_row_source(io_thread& io, std::string site, postgres_settings settings)
      : io_{io}, connections_{std::make_shared<row_connections>(io, std::move(site), std::move(settings))} {}
  pg_row_source(const pg_row_source&) = delete;
  pg_row_source& operator=(const pg_row_source&) = delete;
  ~pg_row_source() override {
    asio::post(io_.context(), [c = std::move(connections_)] {
      c->idle.clear();
      c->busy.clear();
    });
  }

  std::unique_ptr<row_snapshot> open(std::string table, rows_wanted first, std::chrono::milliseconds patience,
                                     handler<snapshot_opened> then) override {
    auto v = std::make_shared<row_view>(connections_);
    asio::post(io_.context(), [v, table = std::move(table), first = std::move(first), patience,
                               then = std::move(then)] { v->open(table, first, patience, then); });
    return std::make_unique<pg_row_snapshot>(io_, std::move(v));
  }
  void probe(std::vector<rows_probed> wanted, std::chrono::milliseconds patience,
             handler<probe_result> then) override {
    asio::post(io_.context(), [c = connections_, wanted = std::move(wanted), patience,
                               then = std::move(then)] { probe_rows(c, wanted, patience, then); });
  }

private:
  io_thread& io_;
  std::shared_ptr<row_connections> connections_;
};

} // namespace

std::unique_ptr<row_source> make_row_source(io_thread& io, std::string site, postgres_settings settings) {
  return std::make_unique<pg_row_source>(io, std::move(site), std::move(settings));
}

} // namespace chasqui
