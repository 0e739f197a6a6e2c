#include "adapters/redis.hpp"

#include "adapters/id_bytes.hpp"
#include "adapters/owner.hpp"
#include "adapters/redis_answers.hpp"
#include "adapters/redis_connection.hpp"
#include "adapters/redis_scripts.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <utility>

namespace chasqui {
namespace {

constexpr std::uint64_t reply_bytes_max = 16U << 20U;
constexpr std::uint64_t reply_entries_max = 10'000;
constexpr std::uint64_t trim_entries_max = 500; ///< Of one script, so that appends get in between.
constexpr std::uint64_t trim_bytes_max = 4U << 20U;

fault& problem_of(fault& answer) { return answer; }
template <class Answer> fault& problem_of(Answer& answer) { return answer.problem; }

template <class Answer> Answer failed(const fault& problem) {
  Answer answer;
  problem_of(answer) = problem;
  return answer;
}

bool closes_the_log(const fault& problem) {
  return problem.code == fault_code::store_unavailable || problem.code == fault_code::outcome_unknown;
}

std::string at_most(std::uint64_t wanted, std::uint64_t limit) {
  return std::to_string(std::clamp<std::uint64_t>(wanted, 1, limit));
}

/// The log behind one `redis_log`, on the I/O thread. Calls go out as they come: Redis carries them out in
/// that order. How many are under way is for the caller to bound.
class session : public std::enable_shared_from_this<session> {
public:
  session(io_thread& io, std::string site, redis_settings settings)
      : io_{io}, prefix_{"chasqui:{" + std::move(site) + "}:"}, settings_{std::move(settings)},
        address_{redis_address(settings_)}, lease_timer_{io.context()} {}

  void open(const std::vector<std::string>& lanes, handler<log_opened> then);
  void append(const std::vector<append_item>& items, const handler<append_result>& then);
  void read(take what, handler<log_slice> then);
  void mark(const lane_marks& marks, seqno trim_through, const handler<fault>& then);
  void adopt(const lane_marks& marks, const handler<fault>& then);
  void import(const std::string& lane, const std::vector<entry>& entries, handler<fault> then);
  void renumber(const std::string& lane, seqno first, handler<fault> then);
  void bury(const rejected& why, handler<fault> then);
  void find(const uuid& id, handler<log_place> then);
  void list_dead(const chasqui::list_dead& what, handler<dead_page> then);
  void shut(const std::string& why);
  void release();

private:
  using words = std::vector<std::string_view>;
  template <class Answer> using reader = std::function<Answer(const redis_reply&)>;

  void look_at_settings();
  void claim(const std::vector<std::string>& lanes, const std::string& dead_owner);
  void claimed(const redis_reply& reply, const std::vector<std::string>& lanes);
  void keep_lease();
  void opened(const fault& problem);
  void trim(const std::vector<std::string>& order, const handler<fault>& then);
  void step_by_step(const std::string& script, const std::vector<std::string>& first,
                    const std::vector<std::string>& rest, const handler<fault>& then);
  void order(const std::string& script, const words& arguments, handler<fault> then);

  bool send(const std::string& script, const words& arguments, redis_connection::answer then);
  template <class Answer>
  void ask(const std::string& script, const words& arguments, reader<Answer> understand,
           handler<Answer> then);
  template <class Answer> Answer understood(std::optional<Answer> answer) {
    return answer ? std::move(*answer) : failed<Answer>(redis_misunderstood(address_));
  }
  void settle(const fault& problem) {
    if (closes_the_log(problem))
      shut(problem.message);
  }
  [[nodiscard]] fault closed() const {
    return {fault_code::store_unavailable, "The log in Redis at " + address_ + " is not open: " + why_closed_,
            ""};
  }

  io_thread& io_;
  std::string prefix_;
  redis_settings settings_;
  std::string address_;
  std::unique_ptr<redis_connection> connection_;
  bool open_ = false;
  std::string why_closed_ = "it was not opened yet.";
  std::string epoch_;
  chasqui::durability durability_ = durability::buffered;
  log_opened draft_;
  handler<log_opened> opening_;
  boost::asio::steady_timer lease_timer_;
};

void session::open(const std::vector<std::string>& lanes, handler<log_opened> then) {
  shut("it was opened again.");
  draft_ = {};
  opening_ = std::move(then);
  connection_ = std::make_unique<redis_connection>(io_, settings_);
  connection_->open([weak = weak_from_this(), lanes](const fault& problem) {
    const auto self = weak.lock();
    if (!self)
      return;
    if (problem)
      return self->opened(problem);
    self->look_at_settings();
    self->claim(lanes, "");
  });
}

void session::look_at_settings() {
  const words look{"CONFIG",          "GET", "appendonly", "appendfsync", "no-appendfsync-on-rewrite",
                   "maxmemory-policy"};
  connection_->send(look, [weak = weak_from_this()](const redis_reply& reply) {
    const auto self = weak.lock();
    if (self && !reply.is_lost())
      read_redis_settings(self->address_, reply, self->draft_);
  });
}

void session::claim(const std::vector<std::string>& lanes, const std::string& dead_owner) {
  const auto now = std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(
                                      std::chrono::system_clock::now().time_since_epoch())
                                      .count());
  const auto lease = std::to_string(settings_.lease.count());
  words arguments{now, settings_.owner, lease, dead_owner};
  arguments.insert(arguments.end(), lanes.begin(), lanes.end());
  const bool sent =
      send(redis_claim_script(), arguments, [weak = weak_from_this(), lanes](const redis_reply& reply) {
        if (const auto self = weak.lock())
          self->claimed(reply, lanes);
      });
  if (!sent)
    opened(closed());
}

void session::claimed(const redis_reply& reply, const std::vector<std::string>& lanes) {
  constexpr std::string_view held{"HELD "};
  if (reply.is_lost())
    return opened({fault_code::store_unavailable, std::string{reply.text()}, ""});
  if (reply.is_error() && reply.text().starts_with(held) && has_ended(reply.text().substr(held.size())))
    return claim(lanes, std::string{reply.text().substr(held.size())});
  if (reply.is_error())
    return opened(redis_fault(address_, reply.text()));
  if (!read_claim(reply, lanes, draft_))
    return opened(redis_misunderstood(address_));
  opened({});
}

// A third of the lease, so that a slow answer or two do no harm. Whoever is frozen for longer has lost the
// log: its next append says so.
void session::keep_lease() {
  if (settings_.lease.count() == 0)
    return;
  lease_timer_.expires_after(settings_.lease / 3);
  lease_timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& cancelled) {
    const auto self = weak.lock();
    if (cancelled || !self || !self->open_)
      return;
    const auto lease = std::to_string(self->settings_.lease.count());
    self->order(redis_renew_script(), {self->epoch_, lease}, [](const fault&) {});
    self->keep_lease();
  });
}

// The next owner need not wait for the lease to end. The timer keeps the session until then, and not longer
// than the I/O goes on.
void session::release() {
  constexpr std::chrono::seconds patience{1};
  const auto leave = [self = shared_from_this()](const boost::system::error_code&) {
    if (!self->open_)
      self->shut("it was closed.");
  };
  const bool leased = open_ && settings_.lease.count() > 0;
  if (leased)
    order(redis_renew_script(), {epoch_, "0"}, [weak = weak_from_this()](const fault&) {
      if (const auto self = weak.lock())
        self->lease_timer_.cancel();
    });
  open_ = false;
  why_closed_ = "it was closed.";
  if (!leased)
    return shut(why_closed_);
  lease_timer_.expires_after(patience);
  lease_timer_.async_wait(leave);
}

void session::opened(const fault& problem) {
  const auto then = std::exchange(opening_, nullptr);
  if (!then)
    return;
  if (problem) {
    shut(problem.message);
    return then(failed<log_opened>(problem));
  }
  open_ = true;
  epoch_ = std::to_string(draft_.epoch);
  durability_ = draft_.durability;
  draft_.kind = store_kind::redis;
  keep_lease();
  then(std::exchange(draft_, {}));
}

void session::append(const std::vector<append_item>& items, const handler<append_result>& then) {
  if (!open_)
    return then(failed<append_result>(closed()));
  append_result draft;
  draft.durability = durability_;
  std::vector<std::string> ids;
  std::vector<std::string> times;
  words arguments{epoch_};
  ids.reserve(items.size()); // The views must not move.
  times.reserve(items.size());
  for (const auto& item : items) {
    draft.slots.push_back({item.lane, 0, item.at, false});
    arguments.insert(arguments.end(), {item.lane, ids.emplace_back(to_bytes(item.id)),
                                       times.emplace_back(to_micros(item.at)), item.payload});
  }
  const auto answered = [weak = weak_from_this(), draft, then](const redis_reply& reply) {
    const auto self = weak.lock();
    if (!self)
      return;
    auto answer = draft;
    if (reply.is_error())
      answer = failed<append_result>(redis_append_fault(self->address_, reply.text()));
    else if (reply.is_lost())
      answer = failed<append_result>(redis_append_lost(reply.text()));
    else if (!read_slots(reply, answer.slots))
      answer = failed<append_result>(redis_append_lost(redis_misunderstood(self->address_).message));
    self->settle(answer.problem);
    then(std::move(answer));
  };
  if (!send(redis_append_script(), arguments, answered))
    then(failed<append_result>(closed()));
}

void session::read(take what, handler<log_slice> then) {
  what.from_seq = std::max<seqno>(what.from_seq, 1);
  const auto from = std::to_string(what.from_seq);
  const auto entries = at_most(what.entries_max, reply_entries_max);
  const auto bytes = at_most(what.bytes_max, reply_bytes_max);
  ask<log_slice>(
      redis_read_script(), {what.lane, from, entries, bytes},
      [this, what](const redis_reply& reply) { return understood(read_slice(reply, what)); },
      std::move(then));
}

void session::mark(const lane_marks& marks, seqno trim_through, const handler<fault>& then) {
  trim({epoch_, marks.lane, std::to_string(trim_through), std::to_string(trim_entries_max),
        std::to_string(trim_bytes_max), std::to_string(marks.head), std::to_string(marks.committed),
        std::to_string(marks.replicated), std::to_string(marks.released)},
       then);
}

void session::trim(const std::vector<std::string>& order, const handler<fault>& then) {
  // Later marks may be saved between this step and the next one: the next one saves none.
  step_by_step(redis_mark_script(), order, {order.begin(), order.begin() + 5}, then);
}

// A script that answers 1 while there is more to do: appends get in between.
void session::step_by_step(const std::string& script, const std::vector<std::string>& first,
                           const std::vector<std::string>& rest, const handler<fault>& then) {
  const words arguments{first.begin(), first.end()};
  const auto more = std::make_shared<bool>(false);
  ask<fault>(
      script, arguments,
      [this, more](const redis_reply& reply) {
        const auto answer = reply.number();
        *more = answer == 1;
        return answer ? fault{} : redis_misunderstood(address_);
      },
      [this, &script, rest, more, then](fault problem) {
        if (problem || !*more)
          then(std::move(problem));
        else
          step_by_step(script, rest, rest, then);
      });
}

void session::order(const std::string& script, const words& arguments, handler<fault> then) {
  ask<fault>(
      script, arguments,
      [this](const redis_reply& reply) { return reply.number() ? fault{} : redis_misunderstood(address_); },
      std::move(then));
}

void session::adopt(const lane_marks& marks, const handler<fault>& then) {
  const std::vector<std::string> arguments{epoch_,
                                           marks.lane,
                                           std::to_string(marks.head),
                                           std::to_string(marks.committed),
                                           std::to_string(marks.replicated),
                                           std::to_string(marks.released),
                                           std::to_string(trim_entries_max)};
  step_by_step(redis_adopt_script(), arguments, arguments, then);
}

void session::import(const std::string& lane, const std::vector<entry>& entries, handler<fault> then) {
  if (entries.empty())
    return then({});
  std::vector<std::string> texts{std::to_string(entries.front().seq)};
  texts.reserve(1 + 2 * entries.size()); // The views must not move.
  words arguments{epoch_, lane, texts.front()};
  for (const auto& e : entries) {
    texts.push_back(to_bytes(e.id));
    arguments.emplace_back(texts.back());
    texts.push_back(to_micros(e.at));
    arguments.emplace_back(texts.back());
    arguments.emplace_back(e.payload);
  }
  order(redis_import_script(), arguments, std::move(then));
}

void session::renumber(const std::string& lane, seqno first, handler<fault> then) {
  const auto from = std::to_string(first);
  order(redis_renumber_script(), {epoch_, lane, from}, std::move(then));
}

void session::bury(const rejected& why, handler<fault> then) {
  const auto seq = std::to_string(why.seq);
  const auto id = to_bytes(why.id);
  const auto at = to_micros(why.at);
  order(redis_bury_script(), {epoch_, why.lane, seq, id, why.sqlstate, why.message, at}, std::move(then));
}

void session::find(const uuid& id, handler<log_place> then) {
  const auto bytes = to_bytes(id);
  ask<log_place>(
      redis_find_script(), {bytes},
      [this, id](const redis_reply& reply) { return understood(read_place(reply, id)); }, std::move(then));
}

void session::list_dead(const chasqui::list_dead& what, handler<dead_page> then) {
  const auto only = what.only.is_nil() ? std::string{} : to_bytes(what.only);
  const auto entries = at_most(what.entries_max, reply_entries_max);
  const auto bytes = std::to_string(reply_bytes_max);
  ask<dead_page>(
      redis_list_dead_script(), {only, entries, bytes},
      [this](const redis_reply& reply) { return understood(read_dead_page(reply)); }, std::move(then));
}

void session::shut(const std::string& why) {
  open_ = false;
  lease_timer_.cancel();
  why_closed_ = why;
  if (connection_)
    connection_->close(why);
}

bool session::send(const std::string& script, const words& arguments, redis_connection::answer then) {
  words all{"EVAL", script, "1", prefix_};
  all.insert(all.end(), arguments.begin(), arguments.end());
  const bool sent = connection_->send(all, std::move(then));
  if (!sent)
    shut("the connection ended.");
  return sent;
}

template <class Answer>
void session::ask(const std::string& script, const words& arguments, reader<Answer> understand,
                  handler<Answer> then) {
  if (!open_)
    return then(failed<Answer>(closed()));
  const auto answered = [weak = weak_from_this(), understand, then](const redis_reply& reply) {
    const auto self = weak.lock();
    if (!self)
      return;
    auto answer = reply.is_lost()
                      ? failed<Answer>({fault_code::store_unavailable, std::string{reply.text()}, ""})
                  : reply.is_error() ? failed<Answer>(redis_fault(self->address_, reply.text()))
                                     : understand(reply);
    self->settle(problem_of(answer));
    then(std::move(answer));
  };
  if (!send(script, arguments, answered))
    then(failed<Answer>(closed()));
}

class redis_log final : public log_store {
public:
  redis_log(io_thread& io, std::string site, redis_settings settings)
      : io_{io}, session_{std::make_shared<session>(io, std::move(site), std::move(settings))} {}
  redis_log(const redis_log&) = delete;
  redis_log& operator=(const redis_log&) = delete;
  ~redis_log() override { redis_log::close(); }

  void open(std::vector<std::string> lanes, handler<log_opened> then) override {
    call(&session::open, std::move(lanes), std::move(then));
  }
  void append(std::vector<append_item> items, handler<append_result> then) override {
    call(&session::append, std::move(items), std::move(then));
  }
  void read(take what, handler<log_slice> then) override {
    call(&session::read, std::move(what), std::move(then));
  }
  void mark(lane_marks marks, seqno trim_through, handler<fault> then) override {
    call(&session::mark, std::move(marks), trim_through, std::move(then));
  }
  void adopt(lane_marks marks, handler<fault> then) override {
    call(&session::adopt, std::move(marks), std::move(then));
  }
  void import(std::string lane, std::vector<entry> entries, handler<fault> then) override {
    call(&session::import, std::move(lane), std::move(entries), std::move(then));
  }
  void renumber(std::string lane, seqno first, handler<fault> then) override {
    call(&session::renumber, std::move(lane), first, std::move(then));
  }
  void bury(rejected why, handler<fault> then) override {
    call(&session::bury, std::move(why), std::move(then));
  }
  void find(uuid id, handler<log_place> then) override { call(&session::find, id, std::move(then)); }
  void list_dead(chasqui::list_dead what, handler<dead_page> then) override {
    call(&session::list_dead, what, std::move(then));
  }
  void close() override { call(&session::release); }

private:
  template <class Method, class... Arguments> void call(Method method, Arguments... arguments) {
    boost::asio::post(io_.context(), [s = session_, method, ... a = std::move(arguments)]() mutable {
      std::invoke(method, *s, std::move(a)...);
    });
  }

  io_thread& io_;
  std::shared_ptr<session> session_;
};

} // namespace

std::unique_ptr<log_store> make_redis_log(io_thread& io, std::string site, redis_settings settings) {
  return std::make_unique<redis_log>(io, std::move(site), std::move(settings));
}

} // namespace chasqui
