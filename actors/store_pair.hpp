#pragma once

#include "adapters/ports/journal_store.hpp"
#include "adapters/ports/shared_store.hpp"
#include "messages/identity.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace chasqui {

/// Where a log can be kept; at least one is there.
struct log_stores {
  std::shared_ptr<shared_store> redis;
  std::shared_ptr<journal_store> journal;
};

/// Bounds on waiting for a store, and on what is moved at once.
struct store_pair_limits {
  std::chrono::milliseconds takeover_after{100}; ///< So long may Redis take for an append.
  std::chrono::milliseconds open_patience{1000}; ///< So long is Redis waited for at the start.
  std::chrono::milliseconds frozen_after{500};   ///< Between two ticks: then this process was frozen.
  std::chrono::milliseconds reopen_min{200};
  std::chrono::milliseconds reopen_max{5000};
  std::uint64_t import_entries_max = 500;
  std::uint64_t import_bytes_max = 1U << 20U;
  std::uint64_t append_entries_max = 500; ///< Of what another runtime has left.
  std::uint64_t append_bytes_max = 4U << 20U;
  std::chrono::milliseconds handover_every{1000}; ///< Between looks for it.
  std::uint64_t roll_lines_max = 100'000; ///< Ids that wait for the roll; beyond, the oldest stay unnoted.
};

/// Another store keeps the log from now on.
struct store_change {
  store_kind kind = store_kind::redis;
  chasqui::durability durability = durability::buffered;
  std::string why;
  bool reopen = false; ///< The numbers of entries have changed: open the log again.
  epoch_no epoch = 0;  ///< The owner's from now on, if not 0.
};

/// What the owner of a pair is told without having asked.
struct store_listener {
  std::function<void(const store_change&)> changed;
  std::function<void(const std::vector<append_slot>&)> taken_in; ///< From another runtime, into the log.
};

/// One log in two stores. Redis keeps it; when Redis is down, hung, full or misconfigured, the journal takes
/// the appends under the numbers that follow, and when Redis is back, what the journal has is moved there, in
/// order, before Redis takes appends again. So every number is in one place, and the log of a lane is what
/// Redis has and then what the journal has. The journal also keeps the roll of what Redis acknowledged: with
/// it, a Redis that comes back with less is noticed, and no number is given twice.
///
/// Started without Redis, the journal cannot know where Redis' log ends. What it then takes is numbered for
/// the time being: it is forwarded, and numbered for good, once Redis is back.
///
/// Where another runtime has become the owner of the log, what the journal still has is handed over to it.
///
/// It belongs to one actor: answers of the stores come through `hop`, and nothing else may call it meanwhile.
class store_pair {
public:
  /// Brings a call into the owner's own turn.
  using hop = std::function<void(std::function<void()>)>;

  store_pair(log_stores stores, store_pair_limits limits, std::function<time_point()> clock, hop into_owner,
             store_listener listener);

  /// `then` is called once in any case, as for every call below. After an answer `store_unavailable` or
  /// `outcome_unknown`, open again.
  void open(const std::vector<std::string>& lanes, handler<log_opened> then);

  /// One append at a time.
  void append(std::vector<append_item> items, handler<append_result> then);

  /// `unavailable` for what stands in a store that is away.
  void read(const take& what, const handler<log_slice>& then);
  void mark(const lane_marks& marks, seqno trim_through, const handler<fault>& then);

  /// In both stores, if the log is in both; `unavailable` if a part of what was asked for is away.
  void look_up(const chasqui::look_up& what, const handler<lookup_page>& then);

  /// `unavailable` while Redis, where dead letters stand, is away.
  void bury(const rejected& why, const handler<fault>& then);
  void settle(const resolved& what, const handler<fault>& then);
  void list_dead(const chasqui::list_dead& what, const handler<dead_page>& then);
  void list_decisions(const chasqui::list_decisions& what, const handler<decisions_page>& then);
  /// Of what stands in a store that is away little is known: see `log_place::in_doubt`.
  void find(uuid id, const handler<log_place>& then);

  /// As `log_store` and `journal_store` say.
  void renumber(const std::string& lane, seqno first, const handler<fault>& then);

  /// Lines of the roll, which is empty without a journal. `unavailable` if it cannot be known who stands
  /// elsewhere by now, as Redis is away.
  void call_roll(const std::string& lane, seqno from, seqno to, std::uint64_t lines_max,
                 const handler<roll_page>& then);

  /// Whether the numbers of a lane are the final ones.
  [[nodiscard]] bool is_settled(const std::string& lane) const;

  /// Several times within the shortest of the limits.
  void tick();
  void close();

private:
  enum class keeper : std::uint8_t { nobody, redis, journal };

  struct lane_state {
    seqno head = 0;          ///< The last number given and acknowledged, by either store.
    seqno journal_first = 1; ///< What the journal has: nothing, if it is after journal_head.
    seqno journal_head = 0;
    bool follows = false; ///< The journal's numbers are the final ones.
    seqno struck = 0;     ///< The roll was struck up to here.
    seqno imported = 0;   ///< moving, handing over: Redis has got so far.
    lane_marks marks;     ///< As saved last.
    [[nodiscard]] bool in_journal() const { return journal_first <= journal_head; }
  };
  struct opening {
    time_point since;
    handler<log_opened> then;
    std::optional<log_opened> redis;
    std::optional<log_opened> journal;
    bool handing_over = false;
    std::uint64_t handed = 0; ///< Entries.
  };
  struct flight {
    std::uint64_t number;
    std::vector<append_item> items;
    handler<append_result> then;
    time_point sent_at;
    bool sent = false;
    bool may_be_in_redis = false;
  };

  /// The two stores are put in step, by orders to both.
  struct reconciling {
    std::uint32_t orders = 1; ///< Not carried out yet; the first is to give all the others.
  };
  struct moving {
    bool under_way = false;    ///< A piece is.
    std::uint64_t entries = 0; ///< Of the last one.
  };
  struct clearing {};
  /// How far the log is on its way back into Redis, if it is.
  using return_phase = std::variant<std::monostate, reconciling, moving, clearing>;

  struct roll_search {
    roll_page page;
    std::vector<roll_line*> named; ///< Of its lines.
    std::size_t next = 0;          ///< Who of them is looked for next.
  };

  // Answers of an earlier round come from a store that was opened anew since: nobody waits for them.
  template <class Answer, class Then> handler<Answer> mine(Then then) {
    return [hop = hop_, alive = std::weak_ptr{alive_}, this, round = round_,
            then = std::move(then)](Answer answer) {
      hop([alive, this, round, then, answer = std::move(answer)]() mutable {
        if (!alive.expired() && round == round_)
          then(std::move(answer));
      });
    };
  }

  // The same for one way back: if it is given up, what it has asked for concerns the next one no more.
  template <class Answer, class Then> handler<Answer> on_this_way(Then then) {
    return mine<Answer>([this, way = ways_back_, then = std::move(then)](Answer answer) {
      if (way == ways_back_)
        then(std::move(answer));
    });
  }

  static fault not_open() { return {fault_code::store_unavailable, "The log is not open.", ""}; }
  [[nodiscard]] fault letters_away() const {
    return {fault_code::unavailable, "Dead letters are kept in Redis, which is away: " + redis_fault_.message,
            ""};
  }
  [[nodiscard]] bool is_in_journal(const std::string& lane, seqno seq) const;
  /// Changes dead letters where they stand, once entry `seq` stands there, too.
  void change_letters(const std::string& lane, seqno seq,
                      const std::function<void(log_store&, handler<fault>)>& change,
                      const handler<fault>& then);
  template <class Answer>
  void ask_letters(const std::function<void(log_store&, handler<Answer>)>& question,
                   const handler<Answer>& then);
  void look_up_in_journal(const chasqui::look_up& what, lookup_page found, const handler<lookup_page>& then);
  void settle_opening(bool late);
  void open_redis();
  void on_redis_opened(log_opened opened);
  void learn(const log_opened& journal);
  void answer_opening(log_opened answer);
  void open_without_redis();
  void open_journal_again();

  void send_flight();
  void on_redis_appended(std::uint64_t number, append_result result);
  void on_journal_appended(std::uint64_t number, append_result result);
  void answer_flight(append_result result);
  void note(const append_result& result, const std::vector<uuid>& ids);
  void note_lines();
  void note_all();
  /// For whatever its roll matters to: by then it has what Redis has kept, under the numbers of now.
  journal_store& journal();
  void mark_moved(const std::shared_ptr<roll_search>& all, const handler<roll_page>& then);
  void mark_moved(roll_line& line, const log_place& place, fault& problem);
  void note_new_numbers(const std::string& lane, seqno from, const handler<fault>& then);

  [[nodiscard]] bool is_flight_sent() const { return flight_ && flight_->sent; }
  [[nodiscard]] bool can_take_over() const { return journal_open_ && keeper_ == keeper::redis; }
  /// Who was frozen does not know whose silence it was, nor whose the log is by now.
  [[nodiscard]] bool was_frozen() const { return frozen_ || clock_() - ticked_at_ > limits_.frozen_after; }
  void take_over(const std::string& why);
  bool redis_failed(const fault& problem);
  void retry_redis_later(const fault& why);

  // Redis is back.
  [[nodiscard]] bool is_reconciling() const { return std::holds_alternative<reconciling>(return_); }
  [[nodiscard]] bool is_clearing() const { return std::holds_alternative<clearing>(return_); }
  /// Redis gets, or has got, what the journal has.
  [[nodiscard]] bool is_returning() const { return std::holds_alternative<moving>(return_) || is_clearing(); }
  void end_return();
  void reconcile_when_quiet();
  void reconcile(const log_opened& redis);
  void reconcile_lane(const std::string& name, lane_state& lane, const lane_marks& redis);
  static void learn_marks(lane_state& lane, const lane_marks& redis);
  void compare_in_redis(const std::string& name, const lane_marks& redis);
  void join(const std::string& name, lane_state& lane, seqno redis_head);
  void give_up(const std::string& lane, seqno from, seqno to);
  void adopt_in_journal(const std::string& name, lane_state& lane);
  void adopt_in_redis(const std::string& name, const lane_state& lane, seqno head);
  handler<fault> one_more_order();
  handler<fault> one_more_journal_order();
  void carried_out(const fault& problem);
  void reconciled();
  [[nodiscard]] log_opened opened_in_both() const;
  void pump();
  void move_next(const std::string& name, lane_state& lane);
  void clear_journal();
  void back_in_redis();
  void let_go();
  void give_up_return(const fault& why);
  void start_over(const std::string& why);

  // Another runtime has the log; or had it, and was left with entries.
  [[nodiscard]] bool is_any_in_journal() const;
  void hand_over();
  void hand_over_next();
  void forget_handed();
  void end_hand_over();
  void look_for_handover();
  void take_in(handover_page page);

  log_stores stores_;
  store_pair_limits limits_;
  std::function<time_point()> clock_;
  hop hop_;
  store_listener listener_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
  std::uint64_t round_ = 0; ///< Answers to calls of an earlier round are dropped.
  time_point ticked_at_;
  bool frozen_ = false; ///< And Redis has not been heard since.

  keeper keeper_ = keeper::nobody;
  bool journal_open_ = false;
  bool redis_open_ = false;
  bool redis_opening_ = false;
  fault redis_fault_; ///< Why Redis is away.
  std::optional<opening> opening_;
  std::map<std::string, lane_state> lanes_;
  epoch_no epoch_ = 0;
  log_opened told_by_redis_;

  std::optional<flight> flight_;
  std::uint64_t flights_ = 0;
  std::vector<roll_line> roll_;
  bool noting_ = false;

  time_point journal_retry_at_;
  time_point reopen_at_;
  std::uint32_t reopens_ = 0;
  return_phase return_;
  std::uint64_t ways_back_ = 0; ///< That have ended.
  bool renumbered_ = false;     ///< Since the log was opened: it has to be opened again.
  bool taking_in_ = false;
  time_point handover_at_;
  std::optional<time_point> holding_since_; ///< Appends wait for the last piece to be moved.
};

} // namespace chasqui
