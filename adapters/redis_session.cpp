#include "adapters/redis_session.hpp"

#include "adapters/owner.hpp"
#include "adapters/redis_scripts.hpp"

#include <chrono>
#include <utility>

namespace chasqui {

redis_session::redis_session(io_thread& io, std::string site, redis_settings settings)
    : io_{io}, prefix_{"chasqui:{" + std::move(site) + "}:"}, settings_{std::move(settings)},
      address_{redis_address(settings_)}, kept_{std::make_shared<kept_terms>(settings_.remembers_terms)},
      lease_timer_{io} {}

void redis_session::open(const std::vector<std::string>& lanes, handler<log_opened> then) {
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
    self->look_at_settings([weak](const redis_reply& reply) {
      const auto me = weak.lock();
      if (me && !reply.is_lost())
        read_redis_settings(me->address_, reply, me->draft_);
    });
    self->claim(lanes, "");
  });
}

void redis_session::look_at_settings(redis_connection::answer then) {
  const words look{"CONFIG",          "GET", "appendonly", "appendfsync", "no-appendfsync-on-rewrite",
                   "maxmemory-policy"};
  connection_->send(look, std::move(then));
}

void redis_session::claim(const std::vector<std::string>& lanes, const std::string& dead_owner) {
  const auto now = std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(
                                      std::chrono::system_clock::now().time_since_epoch())
                                      .count());
  const auto lease = std::to_string(settings_.lease.count());
  words arguments{now, settings_.owner, lease, dead_owner};
  arguments.insert(arguments.end(), lanes.begin(), lanes.end());
  const bool sent = send(call_of(redis_claim_script(), arguments),
                         [weak = weak_from_this(), lanes](const redis_reply& reply) {
                           if (const auto self = weak.lock())
                             self->claimed(reply, lanes);
                         });
  if (!sent)
    opened(closed());
}

void redis_session::claimed(const redis_reply& reply, const std::vector<std::string>& lanes) {
  constexpr std::string_view held{"HELD "};
  if (reply.is_lost())
    return opened({fault_code::store_unavailable, std::string{reply.text()}, ""});
  if (reply.is_error() && reply.text().starts_with(held) && has_ended(reply.text().substr(held.size())))
    return claim(lanes, std::string{reply.text().substr(held.size())});
  if (reply.is_error())
    return opened(redis_fault(address_, reply.text()));
  if (!read_claim(reply, lanes, draft_, largest_))
    return opened(redis_misunderstood(address_));
  opened({});
}

std::shared_ptr<index_tidier> redis_session::make_tidier() {
  const auto call = [weak = weak_from_this()](const std::string& script, const words& arguments,
                                              redis_connection::answer then) {
    if (const auto self = weak.lock(); self && self->open_)
      self->send(self->call_of(script, arguments), std::move(then));
  };
  return std::make_shared<index_tidier>(call, epoch_, settings_.index_tail_max, settings_.index_segment_max);
}

// A third of the lease, so that a slow answer or two do no harm. Whoever is frozen for longer has lost the
// log: its next append says so.
void redis_session::keep_lease() {
  if (settings_.lease.count() == 0)
    return;
  lease_timer_.after(settings_.lease / 3, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self || !self->open_)
      return;
    const auto lease = std::to_string(self->settings_.lease.count());
    self->order(redis_renew_script(), {self->epoch_, lease}, [](const fault&) {});
    self->keep_lease();
  });
}

// The next owner need not wait for the lease to end. The timer keeps the session until then, and not longer
// than the I/O goes on.
void redis_session::release() {
  constexpr std::chrono::seconds patience{1};
  const bool leased = open_ && settings_.lease.count() > 0;
  const auto leave = [](redis_session& me) {
    if (!me.open_)
      me.shut("it was closed.");
  };
  if (leased)
    order(redis_renew_script(), {epoch_, "0"}, [weak = weak_from_this(), leave](const fault&) {
      if (const auto self = weak.lock())
        leave(*self);
    });
  open_ = false;
  why_closed_ = "it was closed.";
  if (leased)
    lease_timer_.after(patience, [self = shared_from_this(), leave] { leave(*self); });
  else
    shut(why_closed_);
}

void redis_session::opened(const fault& problem) {
  const auto then = std::exchange(opening_, nullptr);
  if (!then)
    return;
  if (problem) {
    shut(problem.message);
    return then(unanswered<log_opened>(problem));
  }
  open_ = true;
  epoch_ = std::to_string(draft_.epoch);
  drift_ = draft_.drift;
  kept_ =
      std::make_shared<kept_terms>(settings_.remembers_terms); // What is answered late is about another one.
  for (const auto& lane : draft_.lanes)
    kept_->on_head(lane.lane, lane.head);
  tidier_ = make_tidier();
  for (const auto& lane : draft_.lanes)
    tidier_->tidy(lane.lane); // Whoever had it before may have left much to do.
  draft_.kind = store_kind::redis;
  keep_lease();
  then(std::exchange(draft_, {}));
}

void redis_session::shut(const std::string& why) {
  open_ = false;
  lease_timer_.cancel();
  why_closed_ = why;
  if (connection_)
    connection_->close(why);
}

redis_session::words redis_session::call_of(const std::string& script, const words& arguments) const {
  words all{"EVAL", script, "1", prefix_};
  all.insert(all.end(), arguments.begin(), arguments.end());
  return all;
}

bool redis_session::send(const words& command, redis_connection::answer then) {
  const bool sent = connection_->send(command, std::move(then));
  if (!sent)
    shut("the connection ended.");
  return sent;
}

void redis_session::settle(const fault& problem) {
  if (problem.code == fault_code::store_unavailable || problem.code == fault_code::outcome_unknown)
    shut(problem.message);
}

} // namespace chasqui
