#pragma once

#include "adapters/ports/log_store.hpp"

#include <deque>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace chasqui::simulation {

/// What a log store keeps, and what of it is on disk. It survives the runtime.
class log_server {
public:
  durability promise = durability::fsynced; ///< Whether every append is flushed before its answer.
  store_kind kind = store_kind::redis;
  bool full = false;      ///< Takes no more entries.
  bool disk_full = false; ///< Nor dead letters.

  log_opened open(const std::vector<std::string>& lanes);
  append_result append(epoch_no epoch, std::vector<append_item> items);
  [[nodiscard]] log_slice read(const take& what) const;
  fault mark(epoch_no epoch, const lane_marks& marks, seqno trim_through);
  fault bury(epoch_no epoch, const rejected& why);
  [[nodiscard]] log_place find(const uuid& id) const;
  [[nodiscard]] dead_page list_dead(const list_dead& what) const;
  fault adopt(epoch_no epoch, const lane_marks& marks);
  fault import(epoch_no epoch, const std::string& lane, std::vector<entry> entries);
  fault renumber(epoch_no epoch, const std::string& lane, seqno first);

  /// The disk catches up with what was written.
  void flush();
  /// What was not flushed is gone: these.
  std::vector<uuid> lose_power();
  /// Somebody emptied it of these.
  std::vector<uuid> wipe();

  /// Who stands at this number; nil when nobody does.
  [[nodiscard]] uuid at(const std::string& lane, seqno seq) const;
  /// Whether this is a dead letter here, with what it wanted.
  [[nodiscard]] bool is_buried(const std::string& lane, seqno seq, const uuid& id) const;

private:
  struct lane_log {
    lane_marks marks;          ///< `first` and `head` included.
    std::deque<entry> entries; ///< `first..head`.
    seqno flushed = 0;
  };
  struct place {
    std::string lane;
    seqno seq = 0;
  };

  [[nodiscard]] fault refusal(epoch_no epoch) const;
  [[nodiscard]] const entry* entry_at(const std::string& lane, seqno seq) const;
  void drop_front(lane_log& log, const std::string& lane, seqno through);
  void drop_back(lane_log& log, seqno head, std::vector<uuid>& dropped);

  epoch_no epoch_ = 0;
  std::map<std::string, lane_log> lanes_;
  std::unordered_map<uuid, place> ids_;
  std::map<std::pair<std::string, seqno>, dead_letter> dead_;
};

} // namespace chasqui::simulation
