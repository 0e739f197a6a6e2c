#include "adapters/primary_session.hpp"

#include "adapters/pg_connection.hpp"
#include "adapters/primary_opening.hpp"
#include "adapters/primary_pipeline.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <deque>
#include <iterator>
#include <mutex>
#include <optional>
#include <utility>

namespace chasqui {

namespace asio = boost::asio;

namespace {

/// Segments handed over before input gets its turn.
constexpr int segments_in_a_row_max = 64;

/// The session proper. It is shared by its handle and by what waits on the I/O thread. Everything is done on
/// the I/O thread but `send` and `close`, which leave a note there.
class session_core final : public std::enable_shared_from_this<session_core>, public pg_connection_user {
public:
  session_core(io_thread& io, postgres_settings settings, std::string site, primary_claim claim,
               primary_listener listener)
      : io_{io}, timer_{io.context()}, settings_{std::move(settings)}, site_{std::move(site)},
        claim_{std::move(claim)}, listener_{std::move(listener)} {}

  void start();
  void send(std::vector<segment> segments);
  void look();
  void close();

private:
  void connected() override;
  void received() override;
  void drained() override { pump(); }
  void broken(std::string why) override;

  void collect_inbox();
  void pump();
  std::vector<segment> next_together();
  bool hand_over_some();
  void receive_opening();
  void end(fault why);
  template <class... Args, class... Given>
  void tell(std::function<void(Args...)> primary_listener::*what, Given&&... given);

  io_thread& io_;
  asio::steady_timer timer_; ///< Until the session is open.
  postgres_settings settings_;
  std::string site_;
  primary_claim claim_;

  std::unique_ptr<pg_connection> connection_;
  std::optional<primary_opening> opening_;
  std::optional<primary_pipeline> pipeline_; ///< Set while the session is open.
  std::deque<segment> waiting_;              ///< Not handed over yet.
  bool pump_posted_ = false;
  bool opened_told_ = false;

  std::mutex inbox_mutex_;
  std::vector<segment> inbox_;

  // Held while the listener is called: after `close` has returned nothing more is called. Recursive, because
  // the listener may destroy the session.
  std::recursive_mutex listener_mutex_;
  bool silent_ = false;
  primary_listener listener_;
};

void session_core::start() {
  asio::post(io_.context(), [self = shared_from_this()] {
    self->timer_.expires_after(self->settings_.timeout);
    self->timer_.async_wait([self](boost::system::error_code ec) {
      if (!ec && !self->opened_told_) {
        self->end({fault_code::link_lost,
                   "the primary did not open a session within " +
                       std::to_string(self->settings_.timeout.count()) + " ms",
                   {}});
      }
    });
    self->connection_ = std::make_unique<pg_connection>(
        self->io_, self->settings_.dsn, primary_opening::session_name(self->site_, self->claim_.lane), *self);
  });
}

void session_core::send(std::vector<segment> segments) {
  {
    const std::lock_guard lock{inbox_mutex_};
    const bool noted = !inbox_.empty();
    inbox_.insert(inbox_.end(), std::make_move_iterator(segments.begin()),
                  std::make_move_iterator(segments.end()));
    if (noted || inbox_.empty()) {
      return;
    }
  }
  asio::post(io_.context(), [self = shared_from_this()] {
    self->collect_inbox();
    self->pump();
  });
}

void session_core::look() {
  asio::post(io_.context(), [self = shared_from_this()] {
    if (!self->pipeline_) {
      return;
    }
    auto so_far = self->connection_->sent_so_far();
    if (so_far) {
      so_far->waits = so_far->waits || !self->waiting_.empty();
      self->tell(&primary_listener::moved, *so_far);
    }
  });
}

void session_core::close() {
  {
    const std::lock_guard lock{listener_mutex_};
    silent_ = true;
  }
  asio::post(io_.context(), [self = shared_from_this()] {
    self->timer_.cancel();
    self->pipeline_.reset();
    self->connection_.reset();
    self->listener_ = {};
  });
}

void session_core::collect_inbox() {
  const std::lock_guard lock{inbox_mutex_};
  waiting_.insert(waiting_.end(), std::make_move_iterator(inbox_.begin()),
                  std::make_move_iterator(inbox_.end()));
  inbox_.clear();
  if (opened_told_ && !pipeline_) {
    waiting_.clear(); // The session is over.
  }
}

template <class... Args, class... Given>
void session_core::tell(std::function<void(Args...)> primary_listener::*what, Given&&... given) {
  const std::lock_guard lock{listener_mutex_};
  if (!silent_ && listener_.*what) {
    (listener_.*what)(std::forward<Given>(given)...);
  }
}

void session_core::connected() {
  opening_.emplace(connection_->raw(), site_, claim_);
  if (!opening_->hand_over()) {
    end({fault_code::link_lost, "the connection broke while it was opened", {}});
    return;
  }
  connection_->flush();
}

void session_core::received() {
  if (opening_) {
    receive_opening();
  }
  if (!pipeline_) {
    return;
  }
  std::vector<segment_answer> answers;
  auto over = pipeline_->collect(answers);
  if (!answers.empty()) {
    tell(&primary_listener::answered, std::move(answers));
  }
  if (!over.empty()) {
    end({fault_code::link_lost, "the primary ended the session: " + over, {}});
  }
}

void session_core::receive_opening() {
  auto outcome = opening_->collect();
  if (!outcome) {
    return;
  }
  if (outcome->problem) {
    end(std::move(outcome->problem));
    return;
  }
  opening_.reset();
  timer_.cancel();
  pipeline_.emplace(connection_->raw());
  opened_told_ = true;
  tell(&primary_listener::opened, std::move(*outcome));
  pump();
}

void session_core::broken(std::string why) {
  end({fault_code::link_lost, "the link to the primary is lost: " + why, {}});
}

/// Ends the session and says so, once; nothing is said afterwards.
void session_core::end(fault why) {
  timer_.cancel();
  opening_.reset();
  pipeline_.reset();
  connection_.reset();
  waiting_.clear();
  const std::lock_guard lock{listener_mutex_};
  if (std::exchange(opened_told_, true)) {
    tell(&primary_listener::lost, std::move(why));
  } else {
    primary_opened refused;
    refused.problem = std::move(why);
    tell(&primary_listener::opened, std::move(refused));
  }
  silent_ = true;
  listener_ = {};
}

/// Hands segments to libpq while they leave at once: what the socket does not take stays with us, where it
/// costs nothing. libpq writes at every Sync, and with an output buffer that is never empty each write would
/// move it.
void session_core::pump() {
  if (!pipeline_ || waiting_.empty() || !connection_->flush()) {
    return;
  }
  if (!hand_over_some()) {
    end({fault_code::link_lost, "the link to the primary is lost while sending", {}});
    return;
  }
  if (!waiting_.empty() && connection_->flush() && !std::exchange(pump_posted_, true)) {
    asio::post(io_.context(), [self = shared_from_this()] {
      self->pump_posted_ = false;
      self->pump();
    });
  }
}

std::vector<segment> session_core::next_together() {
  std::vector<segment> together;
  std::uint64_t bytes = 0;
  while (!waiting_.empty() && primary_pipeline::may_join(together, bytes, waiting_.front())) {
    bytes += waiting_.front().what.payload.size();
    together.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  return together;
}

bool session_core::hand_over_some() {
  for (int i = 0; i < segments_in_a_row_max && !waiting_.empty() && connection_->flush(); ++i) {
    if (!pipeline_->hand_over(next_together())) {
      return false;
    }
  }
  connection_->flush();
  return true;
}

/// What the caller holds.
class session_handle final : public primary_session {
public:
  explicit session_handle(std::shared_ptr<session_core> core) : core_{std::move(core)} { core_->start(); }
  session_handle(const session_handle&) = delete;
  session_handle& operator=(const session_handle&) = delete;
  ~session_handle() override { core_->close(); }

  void send(std::vector<segment> segments) override { core_->send(std::move(segments)); }
  void look() override { core_->look(); }

private:
  std::shared_ptr<session_core> core_;
};

} // namespace

std::unique_ptr<primary_session> open_primary_session(io_thread& io, const std::string& site,
                                                      const postgres_settings& settings, primary_claim claim,
                                                      primary_listener listener) {
  return std::make_unique<session_handle>(
      std::make_shared<session_core>(io, settings, site, std::move(claim), std::move(listener)));
}

} // namespace chasqui
