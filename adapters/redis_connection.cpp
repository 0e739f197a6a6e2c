#include "adapters/redis_connection.hpp"

#include "adapters/redis_answers.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <hiredis/async.h>

#include <pthread.h>
#include <sys/un.h>

#include <csignal>
#include <utility>

namespace chasqui {
namespace {

namespace asio = boost::asio;
using asio::posix::stream_descriptor;
using boost::system::error_code;

/// Lends the descriptor of a hiredis context to Asio. The context owns the descriptor and closes it.
class wire : public std::enable_shared_from_this<wire> {
public:
  wire(asio::io_context& io, redisAsyncContext* context, std::weak_ptr<void> owner,
       std::function<void()> ended)
      : owner_{std::move(owner)}, ended_{std::move(ended)}, descriptor_{io, context->c.fd}, context_{
                                                                                                context} {}

  void attach() {
    auto& ev = context_->ev;
    ev.data = this;
    ev.addRead = [](void* self) { static_cast<wire*>(self)->want(&wire::reading_); };
    ev.delRead = [](void* self) { static_cast<wire*>(self)->reading_.wanted = false; };
    ev.addWrite = [](void* self) { static_cast<wire*>(self)->want(&wire::writing_); };
    ev.delWrite = [](void* self) { static_cast<wire*>(self)->writing_.wanted = false; };
    ev.cleanup = [](void* self) { static_cast<wire*>(self)->detach(); };
  }

  /// Null once hiredis has ended the connection.
  [[nodiscard]] redisAsyncContext* context() const { return context_; }

private:
  struct direction {
    stream_descriptor::wait_type type;
    void (*handle)(redisAsyncContext*);
    bool wanted = false;
    bool waiting = false;
  };

  void want(direction wire::*which) {
    (this->*which).wanted = true;
    wait(which);
  }

  void wait(direction wire::*which) {
    auto& d = this->*which;
    if (context_ == nullptr || !d.wanted || std::exchange(d.waiting, true))
      return;
    descriptor_.async_wait(d.type, [self = shared_from_this(), which](const error_code& e) {
      auto& ready = (*self).*which;
      ready.waiting = false;
      const auto keep = self->owner_.lock(); // Callbacks may let go of the connection.
      if (e || !keep || self->context_ == nullptr || !ready.wanted)
        return;
      ready.handle(self->context_);
      self->wait(which);
    });
  }

  void detach() {
    context_ = nullptr;
    descriptor_.release();
    ended_();
  }

  std::weak_ptr<void> owner_;
  std::function<void()> ended_;
  stream_descriptor descriptor_;
  redisAsyncContext* context_;
  direction reading_{stream_descriptor::wait_read, redisAsyncHandleRead};
  direction writing_{stream_descriptor::wait_write, redisAsyncHandleWrite};
};

/// hiredis writes to connections that may be gone already; on the I/O thread this must not end the process.
void block_sigpipe() {
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
}

enum class phase { idle, greeting, open, over };

} // namespace

struct redis_connection::impl : std::enable_shared_from_this<impl> {
  impl(asio::io_context& context, redis_settings s)
      : io{context}, settings{std::move(s)}, silence{context}, resolver{context} {}

  struct pending {
    impl* owner;
    answer then;
  };

  asio::io_context& io;
  redis_settings settings;
  asio::steady_timer silence;
  asio::ip::tcp::resolver resolver;
  std::vector<std::string> addresses; ///< TCP: still to be tried, best last.
  std::shared_ptr<wire> line;
  handler<fault> opening;
  std::function<void()> ended;
  phase now = phase::idle;
  std::string why; ///< It is over.
  bool forgotten = false;
  bool watching = false;
  std::size_t unanswered = 0;
  time_point quiet_since;

  void start(handler<fault> then, std::function<void()> on_end);
  void resolve();
  void dial();
  redisAsyncContext* make_context();
  void greet();
  void greeted(const redis_reply& reply);
  void opened(fault problem);
  bool submit(const std::vector<std::string_view>& words, answer then);
  static void on_reply(redisAsyncContext* context, void* reply, void* data);
  void watch();
  void check();
  void give_up(const std::string& reason);
  void hang_up();
  void detached();

  [[nodiscard]] std::string sentence(std::string_view what) const {
    return "Redis at " + redis_address(settings) + ": " + std::string{what} + ".";
  }
};

void redis_connection::impl::start(handler<fault> then, std::function<void()> on_end) {
  block_sigpipe();
  opening = std::move(then);
  ended = std::move(on_end);
  now = phase::greeting;
  quiet_since = std::chrono::steady_clock::now();
  watch();
  if (settings.socket.size() >= sizeof(sockaddr_un::sun_path))
    return give_up(sentence("the path of the socket is longer than a unix socket allows"));
  if (!settings.socket.empty())
    return dial();
  error_code not_an_address;
  asio::ip::make_address(settings.host, not_an_address);
  if (not_an_address)
    return resolve();
  addresses.push_back(settings.host);
  dial();
}

// hiredis would ask the name service itself, and block.
void redis_connection::impl::resolve() {
  resolver.async_resolve(settings.host, std::to_string(settings.port),
                         [self = shared_from_this()](const error_code& e, const auto& found) {
                           if (self->now != phase::greeting)
                             return;
                           if (e)
                             return self->give_up(self->sentence(e.message()));
                           for (const auto& each : found)
                             self->addresses.insert(self->addresses.begin(),
                                                    each.endpoint().address().to_string());
                           self->dial();
                         });
}

redisAsyncContext* redis_connection::impl::make_context() {
  if (!settings.socket.empty())
    return redisAsyncConnectUnix(settings.socket.c_str());
  const std::string address = std::move(addresses.back());
  addresses.pop_back();
  return redisAsyncConnect(address.c_str(), settings.port);
}

void redis_connection::impl::dial() {
  while (now == phase::greeting) {
    redisAsyncContext* context = make_context();
    if (context != nullptr && context->err == 0) {
      line = std::make_shared<wire>(io, context, weak_from_this(), [this] { detached(); });
      line->attach();
      return greet();
    }
    const std::string reason = context == nullptr ? "out of memory" : context->errstr;
    if (context != nullptr)
      redisAsyncFree(context);
    if (addresses.empty())
      give_up(sentence(reason));
  }
}

void redis_connection::impl::greet() {
  const auto then = [this](const redis_reply& reply) { greeted(reply); };
  if (settings.password.empty())
    submit({"PING"}, then);
  else
    submit({"AUTH", settings.password}, then);
}

void redis_connection::impl::greeted(const redis_reply& reply) {
  if (reply.is_lost()) {
    if (now != phase::greeting || addresses.empty())
      return opened({fault_code::store_unavailable, std::string{reply.text()}, ""});
    // Not from here: hiredis is still taking the old context apart.
    return asio::post(io, [self = shared_from_this()] { self->dial(); });
  }
  if (reply.is_error())
    return opened(redis_fault(redis_address(settings), reply.text()));
  now = phase::open;
  opened({});
}

void redis_connection::impl::opened(fault problem) {
  if (problem) {
    ended = nullptr;
    give_up(problem.message);
  }
  if (const auto then = std::exchange(opening, nullptr))
    then(std::move(problem));
}

bool redis_connection::impl::submit(const std::vector<std::string_view>& words, answer then) {
  if (now == phase::idle || now == phase::over || !line || line->context() == nullptr)
    return false;
  std::vector<const char*> begins;
  std::vector<std::size_t> sizes;
  begins.reserve(words.size());
  sizes.reserve(words.size());
  for (const auto& word : words) {
    begins.push_back(word.data());
    sizes.push_back(word.size());
  }
  auto call = std::make_unique<pending>(pending{this, std::move(then)});
  if (redisAsyncCommandArgv(line->context(), &impl::on_reply, call.get(), static_cast<int>(words.size()),
                            begins.data(), sizes.data()) != REDIS_OK)
    return false;
  call.release(); // NOLINT(bugprone-unused-return-value): hiredis gives it back to on_reply.
  if (unanswered++ == 0 && now == phase::open)
    quiet_since = std::chrono::steady_clock::now();
  watch();
  return true;
}

void redis_connection::impl::on_reply(redisAsyncContext* context, void* reply, void* data) {
  const std::unique_ptr<pending> call{static_cast<pending*>(data)};
  auto& self = *call->owner;
  --self.unanswered;
  if (self.forgotten)
    return;
  if (reply != nullptr) {
    self.quiet_since = std::chrono::steady_clock::now();
    return call->then(redis_reply{static_cast<redisReply*>(reply)});
  }
  if (self.why.empty() && self.now == phase::open) {
    self.why = self.sentence(context->errstr);
    self.now = phase::over;
  }
  call->then(redis_reply{self.why.empty() ? self.sentence(context->errstr) : self.why});
}

void redis_connection::impl::watch() {
  if (std::exchange(watching, true))
    return;
  silence.expires_at(quiet_since + settings.timeout);
  silence.async_wait([self = shared_from_this()](const error_code& e) {
    self->watching = false;
    if (!e)
      self->check();
  });
}

// The timer is left to run when an answer comes, and looks here whether it still matters.
void redis_connection::impl::check() {
  if (now == phase::over || (now == phase::open && unanswered == 0))
    return;
  if (std::chrono::steady_clock::now() < quiet_since + settings.timeout)
    return watch();
  give_up(sentence("no answer for " + std::to_string(settings.timeout.count()) + " ms"));
}

void redis_connection::impl::give_up(const std::string& reason) {
  if (now == phase::over)
    return;
  now = phase::over;
  why = reason;
  hang_up();
  opened({fault_code::store_unavailable, why, ""});
}

void redis_connection::impl::hang_up() {
  silence.cancel();
  resolver.cancel();
  if (line && line->context() != nullptr)
    redisAsyncFree(line->context());
}

void redis_connection::impl::detached() {
  if (now == phase::greeting)
    return;
  now = phase::over;
  if (ended)
    asio::post(io, std::exchange(ended, nullptr));
}

redis_connection::redis_connection(io_thread& io, redis_settings settings)
    : impl_{std::make_shared<impl>(io.context(), std::move(settings))} {}

redis_connection::~redis_connection() {
  impl_->forgotten = true;
  impl_->now = phase::over;
  impl_->opening = nullptr;
  impl_->ended = nullptr;
  impl_->hang_up();
}

void redis_connection::open(handler<fault> then, std::function<void()> ended) {
  impl_->start(std::move(then), std::move(ended));
}

bool redis_connection::send(const std::vector<std::string_view>& words, answer then) {
  return impl_->now == phase::open && impl_->submit(words, std::move(then));
}

void redis_connection::close(const std::string& why) {
  impl_->ended = nullptr;
  impl_->give_up(why);
}

std::string redis_address(const redis_settings& settings) {
  return settings.socket.empty() ? settings.host + ":" + std::to_string(settings.port)
                                 : "unix:" + settings.socket;
}

} // namespace chasqui
