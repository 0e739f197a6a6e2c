#include "adapters/redis.hpp"

#include "adapters/redis_session.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <functional>
#include <utility>

namespace chasqui {
namespace {

class redis_log final : public shared_store {
public:
  redis_log(io_thread& io, std::string site, redis_settings settings)
      : io_{io}, session_{std::make_shared<redis_session>(io, std::move(site), std::move(settings))} {}
  redis_log(const redis_log&) = delete;
  redis_log& operator=(const redis_log&) = delete;
  ~redis_log() override { redis_log::close(); }

  void open(std::vector<std::string> lanes, handler<log_opened> then) override {
    call(&redis_session::open, std::move(lanes), std::move(then));
  }
  void append(std::vector<append_item> items, handler<append_result> then) override {
    call(&redis_session::append, std::move(items), std::move(then));
  }
  void read(take what, handler<log_slice> then) override {
    call(&redis_session::read, std::move(what), std::move(then));
  }
  void look_up(chasqui::look_up what, handler<lookup_page> then) override {
    call(&redis_session::look_up, std::move(what), std::move(then));
  }
  void mark(lane_marks marks, seqno trim_through, handler<fault> then) override {
    call(&redis_session::mark, std::move(marks), trim_through, std::move(then));
  }
  void adopt(lane_marks marks, handler<fault> then) override {
    call(&redis_session::adopt, std::move(marks), std::move(then));
  }
  void import(std::string lane, std::vector<entry> entries, handler<fault> then) override {
    call(&redis_session::import, std::move(lane), std::move(entries), std::move(then));
  }
  void renumber(std::string lane, seqno first, handler<fault> then) override {
    call(&redis_session::renumber, std::move(lane), first, std::move(then));
  }
  void bury(rejected why, handler<fault> then) override {
    call(&redis_session::bury, std::move(why), std::move(then));
  }
  void settle(resolved what, handler<fault> then) override {
    call(&redis_session::settle_letters, std::move(what), std::move(then));
  }
  void list_decisions(chasqui::list_decisions what, handler<decisions_page> then) override {
    call(&redis_session::list_decisions, what, std::move(then));
  }
  void find(uuid id, handler<log_place> then) override { call(&redis_session::find, id, std::move(then)); }
  void list_dead(chasqui::list_dead what, handler<dead_page> then) override {
    call(&redis_session::list_dead, what, std::move(then));
  }
  void hand_over(std::string lane, std::vector<entry> entries, handler<fault> then) override {
    call(&redis_session::hand_over, std::move(lane), std::move(entries), std::move(then));
  }
  void take_handover(std::uint64_t entries_max, std::uint64_t bytes_max,
                     handler<handover_page> then) override {
    call(&redis_session::take_handover, entries_max, bytes_max, std::move(then));
  }
  void end_handover(std::string through, handler<fault> then) override {
    call(&redis_session::end_handover, std::move(through), std::move(then));
  }
  void close() override { call(&redis_session::release); }

private:
  template <class Method, class... Arguments> void call(Method method, Arguments... arguments) {
    boost::asio::post(io_.context(), [s = session_, method, ... a = std::move(arguments)]() mutable {
      std::invoke(method, *s, std::move(a)...);
    });
  }

  io_thread& io_;
  std::shared_ptr<redis_session> session_;
};

} // namespace

std::unique_ptr<shared_store> make_redis_log(io_thread& io, std::string site, redis_settings settings) {
  return std::make_unique<redis_log>(io, std::move(site), std::move(settings));
}

} // namespace chasqui
