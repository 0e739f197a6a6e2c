#pragma once

#include "tests/simulation/lifetime.hpp"
#include "tests/simulation/log_contents.hpp"
#include "tests/simulation/world.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace chasqui::simulation {

/// What a store had, and has no more.
struct losses {
  std::vector<uuid> entries;
  std::vector<uuid> lines; ///< Of the roll.
  std::vector<uuid> letters;
};

/// Who opens a store, and whether that connection still stands.
struct log_claimant {
  lifetime_ptr life;
  std::shared_ptr<std::optional<sim_time>> broken_at;
};

/// A log store: what it holds, what of it is on disk, and what it refuses. It survives the runtime. Redis is
/// leased to one owner; a journal is the owner's own, as it lies on its machine.
class log_server {
public:
  log_server(world& w, store_kind kind) : world_{w}, kind_{kind}, now_{kind}, disk_{kind} {}

  durability promise = durability::fsynced; ///< Whether every append is flushed before its answer.
  bool full = false;                        ///< Takes no more entries.
  bool disk_full = false;                   ///< Nor dead letters.
  bool unwilling = false;                   ///< Refuses whatever changes it: read-only, or not to be had.
  sim_time slowness{0};                     ///< Answers come so much later, at most.

  log_opened open(const std::vector<std::string>& lanes, const log_claimant& who);
  append_result append(epoch_no epoch, const std::vector<append_item>& items);
  [[nodiscard]] log_slice read(const take& what) const { return now_.read(what); }
  fault mark(epoch_no epoch, const lane_marks& marks, seqno trim_through);
  fault bury(epoch_no epoch, const rejected& why);
  fault adopt(epoch_no epoch, const lane_marks& marks);
  fault import(epoch_no epoch, const std::string& lane, const std::vector<entry>& entries);
  fault renumber(epoch_no epoch, const std::string& lane, seqno first);
  fault note(epoch_no epoch, const std::vector<roll_line>& lines);
  fault strike(const std::string& lane, seqno through);
  fault clear();
  /// By whoever does not own it.
  fault hand_over(const std::string& lane, const std::vector<entry>& entries);
  fault end_handover(epoch_no epoch, std::uint64_t through);
  /// Its owner lets go of it.
  void release(const lifetime_ptr& who);

  [[nodiscard]] store_kind kind() const noexcept { return kind_; }
  [[nodiscard]] const log_contents& holds() const noexcept { return now_; }
  /// Whether entries have got other numbers.
  [[nodiscard]] bool was_renumbered() const noexcept { return renumbered_; }

  /// What was not flushed is gone, or the last part of it.
  losses lose_power();
  /// Somebody emptied it.
  losses wipe() { return become(log_contents{kind_}); }
  void take_snapshot() { snapshot_ = now_; }
  /// It comes back with what the last snapshot had.
  losses go_back();
  /// Whose turn it is, as far as this machine knows.
  [[nodiscard]] std::uint64_t turn_of(std::size_t machine) const { return machine == machine_ ? turns_ : 0; }
  /// Its owner counts as gone.
  void break_lease() { owner_.reset(); }

private:
  template <class Answer> Answer change(bool flushes, std::function<Answer(log_contents&)> what);
  [[nodiscard]] bool is_held_against(const log_claimant& who) const;
  [[nodiscard]] fault refusal(epoch_no epoch, bool adds) const;
  void flush(std::size_t changes);
  losses become(log_contents next);

  struct unflushed_change {
    sim_time at;
    std::function<void(log_contents&)> what;
  };

  world& world_;
  store_kind kind_;
  log_contents now_;
  log_contents disk_; ///< Kept only where a power cut can take anything.
  std::deque<unflushed_change> unflushed_;
  std::optional<log_contents> snapshot_;
  std::optional<log_claimant> owner_;
  std::uint64_t turns_ = 0; ///< Owners so far.
  std::uint64_t life_ = 0;  ///< The last one.
  std::size_t machine_ = 0; ///< And where it was.
  bool renumbered_ = false;
};

} // namespace chasqui::simulation
