#pragma once

#include "adapters/index_tidier.hpp"
#include "adapters/io_timer.hpp"
#include "adapters/kept_terms.hpp"
#include "adapters/redis.hpp"
#include "adapters/redis_answers.hpp"
#include "adapters/redis_connection.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace chasqui {

class redis_look;

/// The log behind one `redis_log`, on the I/O thread. Calls go out as they come: Redis carries them out in
/// that order. How many are under way is for the caller to bound.
class redis_session : public std::enable_shared_from_this<redis_session> {
public:
  redis_session(io_thread& io, std::string site, redis_settings settings);

  void open(const std::vector<std::string>& lanes, handler<log_opened> then);
  void append(const std::vector<append_item>& items, const handler<append_result>& then);
  void read(take what, handler<log_slice> then);
  void look_up(chasqui::look_up what, handler<lookup_page> then);
  void mark(const lane_marks& marks, seqno trim_through, const handler<fault>& then);
  void adopt(const lane_marks& marks, const handler<fault>& then);
  void import(const std::string& lane, const std::vector<entry>& entries, handler<fault> then);
  void renumber(const std::string& lane, seqno first, handler<fault> then);
  void bury(const rejected& why, handler<fault> then);
  void settle_letters(const resolved& what, handler<fault> then);
  void list_decisions(const chasqui::list_decisions& what, handler<decisions_page> then);
  void find(const uuid& id, handler<log_place> then);
  void list_dead(const chasqui::list_dead& what, handler<dead_page> then);
  void hand_over(const std::string& lane, const std::vector<entry>& entries, const handler<fault>& then);
  void take_handover(std::uint64_t entries_max, std::uint64_t bytes_max, handler<handover_page> then);
  void end_handover(const std::string& through, handler<fault> then);
  void shut(const std::string& why);
  void release();

private:
  using words = std::vector<std::string_view>;
  template <class Answer> using reader = std::function<Answer(const redis_reply&)>;

  void look_at_settings(redis_connection::answer then);
  void look_again(const std::shared_ptr<std::optional<append_result>>& kept,
                  const handler<append_result>& then);
  void claim(const std::vector<std::string>& lanes, const std::string& dead_owner);
  void claimed(const redis_reply& reply, const std::vector<std::string>& lanes);
  [[nodiscard]] std::shared_ptr<index_tidier> make_tidier();
  void keep_lease();
  void opened(const fault& problem);
  void trim(const std::vector<std::string>& order, const handler<fault>& then);
  void step_by_step(const std::string& script, const std::vector<std::string>& first,
                    const std::vector<std::string>& rest, const handler<fault>& then);
  void look_on(const std::shared_ptr<redis_look>& look, handler<lookup_page> then);
  void order(const std::string& script, const words& arguments, handler<fault> then);
  handler<fault> and_forget(const std::string& lane, handler<fault> then);

  [[nodiscard]] std::uint64_t plain_entries(const take& what) const;
  void read_by_script(const take& what, handler<log_slice> then);
  void note_size(const std::string& lane, const std::string& payload);
  void note_average(const log_slice& slice);

  [[nodiscard]] words call_of(const std::string& script, const words& arguments) const;
  bool send(const words& command, redis_connection::answer then);
  template <class Answer>
  void ask(const std::string& script, const words& arguments, reader<Answer> understand,
           handler<Answer> then) {
    ask_for(call_of(script, arguments), std::move(understand), std::move(then));
  }
  template <class Answer> void ask_for(const words& command, reader<Answer> understand, handler<Answer> then);
  template <class Answer> Answer understood(std::optional<Answer> answer) {
    return answer ? std::move(*answer) : unanswered<Answer>(redis_misunderstood(address_));
  }
  void settle(const fault& problem);
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
  std::shared_ptr<kept_terms> kept_;             ///< Since it was opened.
  std::map<std::string, std::uint64_t> largest_; ///< By lane: no payload there has more bytes.
  std::uint64_t entry_bytes_ = 1;                ///< Of those that were read last, on average.
  std::vector<std::string> drift_;               ///< As found when it was opened.
  std::shared_ptr<index_tidier> tidier_;         ///< Since it was opened.
  log_opened draft_;
  handler<log_opened> opening_;
  io_timer lease_timer_;
};

template <class Answer>
void redis_session::ask_for(const words& command, reader<Answer> understand, handler<Answer> then) {
  if (!open_)
    return then(unanswered<Answer>(closed()));
  const auto answered = [weak = weak_from_this(), understand, then](const redis_reply& reply) {
    const auto self = weak.lock();
    if (!self)
      return;
    auto answer = reply.is_lost()
                      ? unanswered<Answer>({fault_code::store_unavailable, std::string{reply.text()}, ""})
                  : reply.is_error() ? unanswered<Answer>(redis_fault(self->address_, reply.text()))
                                     : understand(reply);
    self->settle(problem_of(answer));
    then(std::move(answer));
  };
  if (!send(command, answered))
    then(unanswered<Answer>(closed()));
}

} // namespace chasqui
