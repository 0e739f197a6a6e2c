#include "tests/simulation/log_access.hpp"

#include "tests/simulation/log_connection.hpp"

#include <algorithm>
#include <utility>

namespace chasqui::simulation {

namespace {

fault out_of_reach(fault_code code) { return {code, "The store does not answer.", ""}; }

} // namespace

/// Speaks to the store over one connection, and over a new one after every `open`.
template <class Port> class log_access_port : public Port {
public:
  log_access_port(log_access& a, lifetime_ptr life, std::uint64_t group_entries_max)
      : life_{std::move(life)}, access_{a}, group_max_{group_entries_max} {}

  void open(std::vector<std::string> lanes, handler<log_opened> then) override {
    if (!life_->lasts)
      return;
    connect();
    call<log_opened>(
        [lanes](log_server& s, log_connection& c) {
          auto opened = s.open(lanes, c.claimant());
          c.epoch = opened.epoch;
          return opened;
        },
        [life = life_, &first = access_.first_, then = std::move(then)](const log_opened& opened) {
          if (!opened.problem)
            life->turn = std::max(life->turn, first.turn_of(life->machine));
          then(opened);
        });
  }

  void append(std::vector<append_item> items, handler<append_result> then) override {
    access_.checker_.expect(items.size() <= group_max_, "group", [&] {
      return std::to_string(items.size()) + " entries are appended at once; the limit is " +
             std::to_string(group_max_) + ".";
    });
    call<append_result>(
        [items = std::move(items)](log_server& s, log_connection& c) { return s.append(c.epoch, items); },
        std::move(then), fault_code::outcome_unknown);
  }

  void read(take what, handler<log_slice> then) override {
    call<log_slice>([what](log_server& s, log_connection&) { return s.read(what); }, std::move(then));
  }
  void mark(lane_marks marks, seqno trim_through, handler<fault> then) override {
    if (!life_->lasts)
      return;
    access_.checker_.marks_saved(marks, trim_through);
    change(
        [=, &account = access_.checker_](log_server& s, epoch_no e) {
          const auto before = s.holds().up_to(marks.lane, trim_through);
          const auto problem = s.mark(e, marks, trim_through);
          if (!problem)
            account.trimmed(before);
          return problem;
        },
        std::move(then));
  }
  void bury(rejected why, handler<fault> then) override {
    change([=](log_server& s, epoch_no e) { return s.bury(e, why); }, std::move(then));
  }
  // No simulated operator decides anything.
  void settle(resolved, handler<fault> then) override {
    change([](log_server&, epoch_no) { return fault{}; }, std::move(then));
  }
  void list_decisions(chasqui::list_decisions, handler<decisions_page> then) override {
    call<decisions_page>([](log_server&, log_connection&) { return decisions_page{}; }, std::move(then));
  }
  void adopt(lane_marks marks, handler<fault> then) override {
    change([=](log_server& s, epoch_no e) { return s.adopt(e, marks); }, std::move(then));
  }
  void import(std::string lane, std::vector<entry> entries, handler<fault> then) override {
    change([=](log_server& s, epoch_no e) { return s.import(e, lane, entries); }, std::move(then));
  }
  void renumber(std::string lane, seqno first, handler<fault> then) override {
    change([=](log_server& s, epoch_no e) { return s.renumber(e, lane, first); }, std::move(then));
  }
  void find(uuid id, handler<log_place> then) override {
    call<log_place>([id](log_server& s, log_connection&) { return s.holds().find(id); }, std::move(then));
  }
  void list_dead(chasqui::list_dead what, handler<dead_page> then) override {
    call<dead_page>([what](log_server& s, log_connection&) { return s.holds().list_dead(what); },
                    std::move(then));
  }

  void close() override {
    if (!connection_)
      return;
    if (life_->lasts && !connection_->is_broken() && access_.condition_ == log_condition::running)
      access_.server_.release(life_);
    connection_->break_off();
  }

protected:
  void connect() {
    if (connection_)
      connection_->break_off();
    connection_ = std::make_shared<log_connection>(access_, life_);
    std::erase_if(access_.connections_, [](const auto& c) { return c.expired(); });
    access_.connections_.push_back(connection_);
  }

  template <class Answer>
  void call(std::function<Answer(log_server&, log_connection&)> what, handler<Answer> then,
            fault_code if_lost = fault_code::store_unavailable) {
    if (!life_->lasts)
      return;
    if (connection_ && !connection_->is_broken())
      return connection_->call<Answer>(std::move(what), unanswered<Answer>(out_of_reach(if_lost)),
                                       std::move(then));
    access_.world_.after({}, [then = std::move(then)] { // It never left.
      then(unanswered<Answer>(out_of_reach(fault_code::store_unavailable)));
    });
  }

  void change(std::function<fault(log_server&, epoch_no)> what, handler<fault> then) {
    call<fault>([what = std::move(what)](log_server& s, log_connection& c) { return what(s, c.epoch); },
                std::move(then));
  }

  [[nodiscard]] checker& account() const { return access_.checker_; }

  lifetime_ptr life_;

private:
  log_access& access_;
  std::uint64_t group_max_;
  std::shared_ptr<log_connection> connection_;
};

namespace {

class redis_port final : public log_access_port<shared_store> {
public:
  using log_access_port::log_access_port;

  void hand_over(std::string lane, std::vector<entry> entries, handler<fault> then) override {
    if (!life_->lasts)
      return;
    connect();
    call<fault>(
        [=, &account = account()](log_server& s, log_connection&) {
          std::vector<uuid> ids;
          for (const auto& e : entries)
            ids.push_back(e.id);
          account.left_behind(ids); // The log has gone on without them.
          return s.hand_over(lane, entries);
        },
        std::move(then));
  }
  void take_handover(std::uint64_t entries_max, std::uint64_t, handler<handover_page> then) override {
    call<handover_page>([=](log_server& s, log_connection&) { return s.holds().take_handover(entries_max); },
                        std::move(then));
  }
  void end_handover(std::string through, handler<fault> then) override {
    change([=](log_server& s, epoch_no e) { return s.end_handover(e, std::stoull(through)); },
           std::move(then));
  }
};

class journal_port final : public log_access_port<journal_store> {
public:
  using log_access_port::log_access_port;

  void note(epoch_no epoch, std::vector<roll_line> lines, handler<fault> then) override {
    change([=](log_server& s, epoch_no) { return s.note(epoch, lines); }, std::move(then));
  }
  void call_roll(std::string lane, seqno from, seqno to, std::uint64_t lines_max,
                 handler<roll_page> then) override {
    call<roll_page>(
        [=](log_server& s, log_connection&) { return s.holds().call_roll(lane, from, to, lines_max); },
        std::move(then));
  }
  void strike(std::string lane, seqno through, handler<fault> then) override {
    change([=](log_server& s, epoch_no) { return s.strike(lane, through); }, std::move(then));
  }
  void clear(handler<fault> then) override {
    change([](log_server& s, epoch_no) { return s.clear(); }, std::move(then));
  }
};

} // namespace

std::shared_ptr<shared_store> log_access::port_for(lifetime_ptr life, std::uint64_t group_entries_max) {
  return std::make_shared<redis_port>(*this, std::move(life), group_entries_max);
}

std::shared_ptr<journal_store> log_access::journal_for(lifetime_ptr life, std::uint64_t group_entries_max) {
  return std::make_shared<journal_port>(*this, std::move(life), group_entries_max);
}

bool log_access::crashes_now() {
  if (crash_in_ == 0 || --crash_in_ > 0)
    return false;
  crashed();
  const auto down_us = world_.chance.one_in(3) ? 30'000'000 : 500'000;
  world_.after(sim_time{static_cast<std::int64_t>(world_.chance.between(10'000, down_us))}, [this] {
    if (condition_ == log_condition::down)
      become(log_condition::running);
  });
  return true;
}

void log_access::forget_owner() {
  constexpr sim_time renewed_within{std::chrono::milliseconds{1700}};
  world_.after(renewed_within, [this] {
    for (const auto& weak : std::vector{connections_})
      if (const auto c = weak.lock(); c && c->epoch > server_.holds().epoch())
        c->break_off();
  });
}

void log_access::become(log_condition next) {
  const auto before = std::exchange(condition_, next);
  for (const auto& weak : std::vector{connections_}) {
    const auto c = weak.lock();
    if (!c)
      continue;
    if (next == log_condition::down)
      c->break_off();
    else if (before == log_condition::hanging && next == log_condition::running)
      c->go_on();
  }
}

} // namespace chasqui::simulation
