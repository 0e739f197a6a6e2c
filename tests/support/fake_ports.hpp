#pragma once

// The outside world in memory. It answers at once, or hangs until the test lets it go on.

#include "adapters/ports/event_publisher.hpp"
#include "adapters/ports/primary.hpp"
#include "adapters/ports/replica.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace chasqui {

class fake_primary : public primary_port {
public:
  bool silent = false; ///< Answers nothing to segments.
  fault refuses;       ///< The answer to every opening, if set.
  fault ping_answer;   ///< The answer to every ping.
  int opens = 0;
  int pings = 0;
  int open_sessions = 0;
  seqno cursor = 0;
  uuid last_id;                        ///< Whose number the cursor is.
  std::map<seqno, std::string> poison; ///< SQLSTATE by seq.
  std::vector<seqno> applied;
  std::vector<uuid> applied_ids;
  std::vector<segment_kind> heard;

  /// Cuts the session that stands.
  void cut(const fault& why = {fault_code::link_lost, "cut", ""}) {
    if (current_ != nullptr)
      current_->listener.lost(why);
  }

  std::unique_ptr<primary_session> open(primary_claim, primary_listener listener) override {
    ++opens;
    listener.opened({refuses, cursor, last_id, {}});
    return std::make_unique<session>(*this, std::move(listener));
  }
  void ping(handler<fault> then) override {
    ++pings;
    then(ping_answer);
  }

private:
  struct session : primary_session {
    session(fake_primary& o, primary_listener l) : owner{o}, listener{std::move(l)} {
      owner.current_ = this;
      ++owner.open_sessions;
    }
    session(const session&) = delete;
    session& operator=(const session&) = delete;
    ~session() override {
      --owner.open_sessions;
      if (owner.current_ == this)
        owner.current_ = nullptr;
    }
    void send(std::vector<segment> segments) override {
      std::vector<segment_answer> answers;
      for (const auto& s : segments)
        answers.push_back(owner.answer(s));
      if (!owner.silent)
        listener.answered(std::move(answers));
    }
    fake_primary& owner;
    primary_listener listener;
  };

  segment_answer answer(const segment& s) {
    segment_answer a;
    a.ticket = s.ticket;
    a.sqlstate = run(s);
    if (s.kind == segment_kind::attempt && (a.sqlstate == "CQ003" || a.sqlstate.starts_with("23")))
      decide(s, a);
    a.flushed = {cursor + 1};
    a.timeline = 1;
    if (s.kind == segment_kind::realign && a.sqlstate.empty())
      std::copy_if(s.over.suspects.begin(), s.over.suspects.end(), std::back_inserter(a.missing),
                   [&](uuid id) { return !has(id); });
    return a;
  }

  void decide(const segment& s, segment_answer& a) {
    const auto sqlstate = std::exchange(a.sqlstate, "");
    a.outcome = sqlstate == "CQ003" ? entry_outcome::skipped : entry_outcome::rejected;
    if (a.outcome == entry_outcome::rejected)
      a.reject_sqlstate = sqlstate;
    cursor = s.what.seq;
    last_id = s.what.id;
  }

  [[nodiscard]] bool has(uuid id) const {
    return std::find(applied_ids.begin(), applied_ids.end(), id) != applied_ids.end();
  }

  std::string run(const segment& s) {
    heard.push_back(s.kind);
    if (s.kind == segment_kind::barrier || s.kind == segment_kind::heartbeat)
      return "";
    if (s.kind == segment_kind::realign) {
      if (s.over.from != cursor)
        return "CQ001";
      cursor = s.over.to;
      last_id = {};
      return "";
    }
    if (s.what.seq != cursor + 1)
      return "CQ001";
    if (const auto bad = poison.find(s.what.seq); bad != poison.end())
      return bad->second;
    if (has(s.what.id))
      return "CQ003";
    applied.push_back(s.what.seq);
    applied_ids.push_back(s.what.id);
    cursor = s.what.seq;
    last_id = s.what.id;
    return "";
  }

  session* current_ = nullptr;
};

class fake_replica : public replica_probe {
public:
  int looks = 0;

  void look(handler<sighting> then) override {
    ++looks;
    then_ = std::move(then);
  }
  [[nodiscard]] bool is_asked() const { return then_ != nullptr; }
  void answer(sighting s) { std::exchange(then_, nullptr)(std::move(s)); }

private:
  handler<sighting> then_;
};

class fake_publisher : public event_publisher {
public:
  std::vector<event> events;
  void publish(const event& e) override { events.push_back(e); }
};

} // namespace chasqui
