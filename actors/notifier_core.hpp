#pragma once

#include "actors/moment.hpp"
#include "adapters/ports/event_history.hpp"
#include "messages/event.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace chasqui {

/// Bounds on what subscribers may cost.
struct notifier_limits {
  std::uint64_t backlog_max = 10'000; ///< Events under way to one subscriber, and those before the opening.
  std::uint32_t subscribers_max = 100;
  std::uint64_t page_max = 1000;         ///< Events read from the history at once.
  std::uint64_t reserved_numbers = 4096; ///< Numbers that are reserved at once.
};

/// What one subscriber gets.
struct delivery {
  std::uint64_t subscriber = 0;
  event_batch what;
};

/// What to read for a subscriber that is behind.
struct page_order {
  std::uint64_t subscriber = 0;
  std::uint64_t turn = 0; ///< Comes back with the page: one for an earlier subscription is stale.
  history_query what;
  std::chrono::milliseconds after{0}; ///< To be read only then: it could not be the last time.
};

/// What the shell does next, in this order.
struct notifier_actions {
  std::vector<event> happened; ///< Numbered: for the history, and for listeners outside.
  std::vector<delivery> deliveries;
  std::vector<page_order> reads;
  std::optional<std::uint64_t> reserve; ///< Numbers up to this one.
};

/// Numbers events and decides who gets them. A subscriber is *live*, and gets events as they happen; or it is
/// *behind*, and gets pages of the history, one at a time, until it has them all. Whoever has too many events
/// under way falls behind. What the history does not have either is told as a gap, and so is what cannot be
/// read in several attempts.
class notifier_core {
public:
  explicit notifier_core(notifier_limits limits) : limits_{limits} {}

  /// The history is open, or will not be: from now on there are numbers.
  notifier_actions on_opened(const history_opened& opened, moment now);
  notifier_actions on_reserved(std::uint64_t through, const fault& problem, instant now);
  /// Something happened.
  notifier_actions tell(event e);
  /// Does nothing when there are too many subscribers already.
  notifier_actions subscribe(std::uint64_t subscriber, const chasqui::subscribe& how, instant now);
  void unsubscribe(std::uint64_t subscriber) { subscribers_.erase(subscriber); }
  /// The subscriber can take more.
  notifier_actions acknowledge(std::uint64_t subscriber, std::uint64_t number);
  notifier_actions on_page(const page_order& order, history_page page, instant now);

  /// What the history is asked for.
  [[nodiscard]] history_query query_of(const list_events& what) const;
  [[nodiscard]] past_events answer_to(const list_events& what, history_page page, instant now) const;

  [[nodiscard]] bool is_open() const noexcept { return first_ != 0; }
  [[nodiscard]] bool knows(std::uint64_t subscriber) const { return subscribers_.contains(subscriber); }

private:
  struct subscription {
    std::uint64_t backlog_max = 1;
    std::uint64_t from = 0;      ///< As it asked.
    std::uint64_t sent = 0;      ///< Last number given to it.
    std::uint64_t confirmed = 0; ///< As far as it has dealt with them; what lies between is under way.
    std::uint64_t next = 0;      ///< behind: the number that it needs next; 0: it is live.
    std::uint64_t asked_to = 0;  ///< behind: the last number that there was when the history was asked.
    std::uint64_t turn = 0;      ///< Of the last page that it asked for.
    bool reading = false;        ///< behind: that page is on its way.
    std::uint32_t failures = 0;  ///< In a row, to read one.
  };

  void number(event e, notifier_actions& out);
  void number_held(instant now, notifier_actions& out);
  void begin(std::uint64_t who, subscription& s, instant now, notifier_actions& out);
  void go_live(subscription& s, std::size_t under_way) const;
  void catch_up(std::uint64_t who, subscription& s, notifier_actions& out);
  void mark_gaps(history_page& page, const history_query& what, std::uint64_t last, instant now) const;
  static event gap(std::uint64_t from, std::uint64_t to, instant now, std::string why);

  notifier_limits limits_;
  std::map<std::uint64_t, subscription> subscribers_;
  std::deque<event> held_; ///< They wait for their numbers.
  std::uint64_t unheld_ = 0;
  std::uint64_t first_ = 0; ///< The first number of this run; 0 before the history is open.
  std::uint64_t last_ = 0;
  std::uint64_t reserved_ = 0;
  bool reserving_ = false;
  bool complained_ = false; ///< It was told that numbers cannot be reserved.
  std::uint64_t turns_ = 0;
};

} // namespace chasqui
