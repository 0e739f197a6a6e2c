#pragma once

#include "tests/simulation/world.hpp"

#include <array>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

namespace chasqui::simulation {

/// Over the link, or back.
enum class way : std::uint8_t { out, back };

class wire;

/// The path between the observatory and Cologne. A way that is blocked keeps what was sent, as TCP does, and
/// delivers it once it is open again, sometimes long after: the sender tries again at growing intervals. Only
/// a reset loses it.
class link {
public:
  explicit link(world& w) : world_{w} {}

  sim_time latency{std::chrono::milliseconds{150}}; ///< One way.
  sim_time jitter{std::chrono::milliseconds{5}};    ///< At most so much more.

  [[nodiscard]] bool is_open(way direction) const { return !blocked_.at(index(direction)); }
  [[nodiscard]] bool is_open() const { return is_open(way::out) && is_open(way::back); }

  void block(way direction) { blocked_.at(index(direction)) = true; }
  void unblock();

  /// How long something takes that is sent now.
  sim_time delay() {
    return latency + sim_time{static_cast<std::int64_t>(
                         world_.chance.below(static_cast<std::uint64_t>(jitter.count()) + 1))};
  }

private:
  friend class wire;
  static std::size_t index(way direction) { return static_cast<std::size_t>(direction); }

  world& world_;
  std::array<bool, 2> blocked_{};
  std::array<std::vector<std::weak_ptr<wire>>, 2> held_; ///< One line a message that came while blocked.
};

/// One direction of a connection: what is sent arrives in order.
class wire : public std::enable_shared_from_this<wire> {
public:
  wire(world& w, link& path, way direction) : world_{w}, link_{path}, direction_{direction} {}

  void send(std::function<void()> arrive);

  /// Everything under way is lost.
  void cut() { under_way_.clear(); }
  /// And everything that is yet to be sent.
  void close() {
    cut();
    closed_ = true;
  }

private:
  friend class link;
  void schedule();
  void resume();
  void deliver();

  world& world_;
  link& link_;
  way direction_;
  std::deque<std::function<void()>> under_way_;
  sim_time last_due_{0};
  bool closed_ = false;
};

} // namespace chasqui::simulation
