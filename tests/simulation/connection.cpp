#include "tests/simulation/connection.hpp"

#include <algorithm>
#include <utility>

namespace chasqui::simulation {

namespace {

constexpr sim_time connect_timeout{std::chrono::seconds{10}};
constexpr int handshake_round_trips = 3; // TCP, login, the opening queries.
constexpr std::uint64_t part_max = 300;  // Segments that arrive together.

} // namespace

connection::connection(primary_access& a, claimant who, seqno dead_after, window_bounds bounds,
                       primary_listener listener)
    : access_{a}, who_{who}, dead_after_{dead_after}, bounds_{bounds}, listener_{std::move(listener)},
      out_{std::make_shared<wire>(a.world_, a.link_, way::out)}, back_{std::make_shared<wire>(
                                                                     a.world_, a.link_, way::back)} {}

void connection::open() {
  access_.world_.after(connect_timeout, [me = shared_from_this()] {
    if (!me->opened_)
      me->fail("The primary does not answer.");
  });
  shake_hands(handshake_round_trips);
}

void connection::shake_hands(int round_trips) {
  out_->send([me = shared_from_this(), round_trips] {
    if (!me->access_.server_.up || !me->server_open_)
      return me->back_->send([me] { me->fail("The primary refuses the connection."); });
    if (round_trips > 1)
      return me->back_->send([me, round_trips] { me->shake_hands(round_trips - 1); });
    me->claim();
  });
}

void connection::claim() {
  auto answer = access_.server_.claim(who_, dead_after_);
  const bool refused = static_cast<bool>(answer.problem);
  if (refused)
    server_open_ = false;
  back_->send([me = shared_from_this(), answer = std::move(answer)] {
    if (!me->client_open_ || std::exchange(me->opened_, true))
      return;
    if (answer.problem)
      me->client_open_ = false;
    me->listener_.opened(answer);
  });
}

void connection::send(std::vector<segment> segments) {
  for (const auto& s : segments) {
    entries_unanswered_ += s.what.seq != 0 ? 1U : 0U;
    bytes_unanswered_ += s.what.payload.size();
    if (s.what.seq != 0)
      newest_bytes_ = s.what.payload.size();
    unanswered_.push_back({s.what.seq != 0, s.what.payload.size()});
  }
  check_window();
  for (auto i = segments.begin(); i != segments.end();) {
    const auto left = static_cast<std::uint64_t>(segments.end() - i);
    const auto size = std::min(left, access_.world_.chance.between(1, part_max));
    const auto end = i + static_cast<std::ptrdiff_t>(size);
    std::vector<segment> part{std::make_move_iterator(i), std::make_move_iterator(end)};
    i = end;
    out_->send([me = shared_from_this(), part = std::move(part)] { me->run(part); });
  }
}

void connection::check_window() const {
  access_.checker_.expect(entries_unanswered_ <= bounds_.entries_max, "window", [&] {
    return std::to_string(entries_unanswered_) + " entries are under way; the window takes " +
           std::to_string(bounds_.entries_max) + ".";
  });
  access_.checker_.expect(bytes_unanswered_ <= bounds_.bytes_max + newest_bytes_, "window", [&] {
    return std::to_string(bytes_unanswered_) + " bytes are under way; the window takes " +
           std::to_string(bounds_.bytes_max) + ".";
  });
}

void connection::run(const std::vector<segment>& part) {
  if (!access_.server_.up || !server_open_)
    return back_->send([me = shared_from_this()] { me->fail("The connection was reset."); });
  std::vector<segment_answer> answers;
  answers.reserve(part.size());
  for (const auto& s : part)
    answers.push_back(access_.server_.run(s, who_));
  busy_until_ = std::max(busy_until_, access_.world_.now()) + access_.server_.slowness;
  access_.world_.at(busy_until_, [me = shared_from_this(), answers = std::move(answers)]() mutable {
    if (me->server_open_)
      me->back_->send([me, answers = std::move(answers)] { me->deliver(answers); });
  });
}

void connection::deliver(const std::vector<segment_answer>& answers) {
  if (!client_open_)
    return;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    entries_unanswered_ -= unanswered_.front().is_entry ? 1U : 0U;
    bytes_unanswered_ -= unanswered_.front().bytes;
    unanswered_.pop_front();
  }
  listener_.answered(answers);
}

void connection::fail(const char* why) {
  if (!std::exchange(client_open_, false))
    return;
  const fault lost{fault_code::link_lost, why, ""};
  if (!std::exchange(opened_, true))
    listener_.opened({lost, 0, {}, {}, {}, 0});
  else
    listener_.lost(lost);
}

void connection::leave() {
  client_open_ = false;
  opened_ = true;
  out_->send([me = shared_from_this()] { me->server_open_ = false; });
}

void connection::reset() {
  out_->cut();
  back_->cut();
  server_open_ = false;
  fail("The connection was reset.");
}

void connection::forget() {
  out_->close();
  back_->close();
}

void connection::end() {
  if (std::exchange(server_open_, false))
    back_->send([me = shared_from_this()] { me->fail("The primary ended the session."); });
}

} // namespace chasqui::simulation
