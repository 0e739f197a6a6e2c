#pragma once

#include "adapters/ports/journal_store.hpp"
#include "adapters/ports/shared_store.hpp"

#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace chasqui::simulation {

/// All that a log store holds, as a value: a copy of it is a snapshot. It keeps to the word of the ports
/// `log_store` and `journal_store`; a journal knows ids and heads from its roll, too.
class log_contents {
public:
  explicit log_contents(store_kind kind) : kind_{kind} {}

  /// A new owner, with an epoch of `at_least`.
  log_opened claim(const std::vector<std::string>& lanes, epoch_no at_least);
  [[nodiscard]] epoch_no epoch() const noexcept { return epoch_; }

  std::vector<append_slot> append(std::vector<append_item> items);
  [[nodiscard]] log_slice read(const take& what) const;
  fault mark(const lane_marks& marks, seqno trim_through);
  fault bury(const rejected& why);
  [[nodiscard]] log_place find(const uuid& id) const;
  [[nodiscard]] dead_page list_dead(const list_dead& what) const;
  fault adopt(const lane_marks& marks);
  fault import(const std::string& lane, std::vector<entry> entries);
  fault renumber(const std::string& lane, seqno first);

  fault note(epoch_no epoch, const std::vector<roll_line>& lines);
  [[nodiscard]] roll_page call_roll(const std::string& lane, seqno from, seqno to, std::uint64_t most) const;
  fault strike(const std::string& lane, seqno through);
  fault clear();

  fault hand_over(const std::string& lane, std::vector<entry> entries);
  [[nodiscard]] handover_page take_handover(std::uint64_t entries_max) const;
  fault end_handover(std::uint64_t through);

  /// Who stands at this number; nil when nobody does.
  [[nodiscard]] uuid at(const std::string& lane, seqno seq) const;
  /// Whether it has this entry, under whatever number.
  [[nodiscard]] bool stands(const uuid& id) const;
  /// The same, or handed over.
  [[nodiscard]] bool has(const uuid& id) const;
  [[nodiscard]] bool is_on_roll(const uuid& id) const { return roll_ids_.contains(id); }
  /// Its number on the roll; 0 if it has none.
  [[nodiscard]] seqno number_on_roll(const uuid& id) const {
    const auto found = roll_ids_.find(id);
    return found == roll_ids_.end() ? 0 : found->second.seq;
  }
  /// Whether this is a dead letter here, with what it wanted.
  [[nodiscard]] bool is_buried(const uuid& id) const;
  [[nodiscard]] std::vector<uuid> up_to(const std::string& lane, seqno seq) const;
  /// Every entry, those that were handed over included, and everyone on the roll.
  [[nodiscard]] std::vector<uuid> entries() const;
  [[nodiscard]] std::vector<uuid> roll() const;
  [[nodiscard]] std::vector<uuid> dead() const;

private:
  struct lane_log {
    lane_marks marks; ///< `head` and `follows` included.
    std::map<seqno, entry> entries;
    std::map<seqno, roll_line> roll;
  };
  struct place {
    std::string lane;
    seqno seq = 0;
  };

  [[nodiscard]] seqno head_of(const lane_log& log) const;
  [[nodiscard]] const entry* entry_at(const std::string& lane, seqno seq) const;
  [[nodiscard]] const place* place_of(const uuid& id) const;
  void keep(const std::string& lane, entry e);
  void drop(const std::string& lane, std::map<seqno, entry>::iterator from,
            std::map<seqno, entry>::iterator to);
  void put_on_roll(const roll_line& line);
  void give_up(const roll_line& number);
  void strike_lines(lane_log& log, seqno from, seqno to, bool with_entries);

  store_kind kind_;
  epoch_no epoch_ = 0;
  std::map<std::string, lane_log> lanes_;
  std::unordered_map<uuid, place> ids_;      ///< Of entries and dead letters.
  std::unordered_map<uuid, place> roll_ids_; ///< A journal's.
  std::map<std::pair<std::string, seqno>, dead_letter> dead_;
  std::map<std::uint64_t, append_item> handover_; ///< By the order in which they came.
  std::uint64_t handed_ = 0;                      ///< So far.
};

} // namespace chasqui::simulation
