#include "link_relay.hpp"

#include <poll.h>

#include <utility>
#include <vector>

namespace chasqui::link {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t connections_max = 1000;
constexpr int backlog = 4096;
constexpr milliseconds accept_retry{50};
constexpr milliseconds cut_poll{1};
constexpr milliseconds cut_delivery_max{30'000};

/// Whether the client has hung up: through a real black hole its SYN would never have come.
bool has_given_up(tcp::socket& client) {
  pollfd p{client.native_handle(), POLLRDHUP, 0};
  return ::poll(&p, 1, 0) > 0 && (p.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

} // namespace

relay::relay(asio::io_context& io, const endpoint& listen, settings conditions)
    : acceptor_{io}, accept_later_{io}, cut_timer_{io} {
  flow_.conditions = std::move(conditions);
  const tcp::endpoint at{asio::ip::make_address(listen.host), listen.port};
  acceptor_.open(at.protocol());
  acceptor_.set_option(tcp::acceptor::reuse_address{true});
  acceptor_.bind(at);
  acceptor_.listen(backlog);
  acceptor_.non_blocking(true);
  conditions_changed(flow_.conditions);
}

endpoint relay::listening() const {
  const auto at = acceptor_.local_endpoint();
  return {at.address().to_string(), at.port()};
}

std::string relay::command(std::string_view line) {
  const auto before = flow_.conditions;
  if (const auto error = amend(flow_.conditions, line))
    return R"({"error":)" + json_string(*error) + "}";
  conditions_changed(before);
  return state();
}

void relay::conditions_changed(const settings& before) {
  if (flow_.conditions.cut_after_bytes == 0)
    return begin_cut();
  if (std::exchange(flow_.cutting, false)) // A cut that was taken back must not end the link later on.
    cut_timer_.cancel();
  if (flow_.conditions.mode == traffic::reset)
    abort_all();
  const bool moved = flow_.conditions.target != before.target;
  for (const auto& c : connections()) {
    if (moved) {
      c->abort_when_reachable();
    } else {
      c->poke();
    }
  }
  was_unreachable_ = was_unreachable_ || !flow_.reachable();
  watch();
}

void relay::watch() {
  const bool listens = flow_.reachable() || flow_.conditions.mode == traffic::reset;
  if (watching_ || flow_.cutting || !listens || open_.size() >= connections_max)
    return;
  watching_ = true;
  acceptor_.async_wait(tcp::acceptor::wait_read, [this](error_code error) {
    watching_ = false;
    if (!error)
      accept_all(false);
  });
  if (std::exchange(was_unreachable_, !flow_.reachable()) && flow_.reachable())
    accept_all(true);
}

void relay::accept_all(bool after_a_hole) {
  const bool resets = flow_.conditions.mode == traffic::reset;
  while ((flow_.reachable() || resets) && open_.size() < connections_max) {
    error_code error;
    tcp::socket client{acceptor_.get_executor()};
    acceptor_.accept(client, error);
    if (error == asio::error::would_block)
      break;
    if (error) {
      // Out of descriptors, most likely: others have to close first.
      accept_later_.expires_after(accept_retry);
      accept_later_.async_wait([this](error_code cancelled) {
        if (!cancelled)
          watch();
      });
      return;
    }
    ++accepted_;
    if (resets || (after_a_hole && has_given_up(client))) {
      ++resets_;
      reset_socket(client);
    } else {
      admit(std::move(client));
    }
  }
  watch();
}

void relay::admit(tcp::socket client) {
  connection_events events{[this](const pipe_owner* closed) {
                             open_.erase(closed);
                             watch();
                           },
                           [this] { begin_cut(); }};
  auto c = std::make_shared<connection>(std::move(client), flow_, std::move(events));
  open_.emplace(c.get(), c);
  c->open();
}

void relay::begin_cut() {
  flow_.cutting = true;
  cut_deadline_ = steady_clock::now() + cut_delivery_max;
  finish_cut_when_delivered();
}

void relay::finish_cut_when_delivered() {
  bool delivered = true;
  for (const auto& c : connections())
    delivered = delivered && c->delivered();
  if (!delivered && steady_clock::now() < cut_deadline_) {
    // A RST discards what the sender's kernel still holds, and every byte before the cut has to arrive.
    cut_timer_.expires_after(cut_poll);
    cut_timer_.async_wait([this](error_code cancelled) {
      if (!cancelled && flow_.cutting)
        finish_cut_when_delivered();
    });
    return;
  }
  // Not from within the write that met the cut: its connection would vanish under it.
  cut_timer_.expires_after(milliseconds::zero());
  cut_timer_.async_wait([this](error_code cancelled) {
    if (cancelled || !flow_.cutting)
      return;
    flow_.cutting = false;
    flow_.conditions.cut_after_bytes.reset();
    flow_.conditions.mode = traffic::reset;
    conditions_changed(flow_.conditions);
  });
}

void relay::abort_all() {
  for (const auto& c : connections()) {
    ++resets_;
    c->abort();
  }
}

std::vector<std::shared_ptr<connection>> relay::connections() const {
  std::vector<std::shared_ptr<connection>> all;
  all.reserve(open_.size());
  for (const auto& [key, c] : open_)
    all.push_back(c);
  return all;
}

std::string relay::state() const {
  std::size_t held_up = 0;
  std::size_t held_down = 0;
  for (const auto& [key, c] : open_) {
    held_up += c->held_bytes(way::up);
    held_down += c->held_bytes(way::down);
  }
  const auto& s = flow_.conditions;
  std::string out = R"({"listen":)" + json_string(to_string(listening()));
  out += R"(,"target":)" + json_string(to_string(s.target));
  out += R"(,"mode":)" + json_string(to_string(s.mode));
  out += R"(,"latency_ms":)" + number(s.latency_ms);
  out += R"(,"jitter_ms":)" + number(s.jitter_ms);
  out += R"(,"rate_kbps":)" + std::to_string(s.rate_kbps);
  out += R"(,"loss":)" + number(s.loss);
  out += R"(,"cut_after_bytes":)" + (s.cut_after_bytes ? std::to_string(*s.cut_after_bytes) : "null");
  out += R"(,"cut_direction":)" + json_string(to_string(s.cut_direction));
  out += R"(,"connections":{"open":)" + std::to_string(open_.size());
  out += R"(,"accepted":)" + std::to_string(accepted_) + R"(,"reset":)" + std::to_string(resets_);
  out += R"(},"bytes":{"up":)" + std::to_string(flow_.bytes(way::up));
  out += R"(,"down":)" + std::to_string(flow_.bytes(way::down));
  out += R"(},"held_bytes":{"up":)" + std::to_string(held_up) + R"(,"down":)" + std::to_string(held_down);
  return out + "}}";
}

} // namespace chasqui::link
