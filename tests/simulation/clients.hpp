#pragma once

#include "tests/simulation/host.hpp"
#include "tests/simulation/plan.hpp"
#include "tests/simulation/scene.hpp"

#include <cstdint>
#include <map>
#include <vector>

namespace chasqui::simulation {

/// The observatory's control processes: they submit, submit again with the same id what was not acknowledged,
/// and wait for what they have submitted. Some give up.
class clients {
public:
  clients(scene& s, host& h, const plan& p)
      : world_{s.events}, checker_{s.account}, host_{&h}, scene_{s}, plan_{p} {}

  /// Speaks to another runtime from now on.
  void go_to(host& h) {
    host_ = &h;
    expect_new_numbers();
  }

  /// `count` new transactions, `width` at a time.
  void burst(std::uint64_t count, std::uint64_t width);
  /// What comes may get lower numbers than what came, and than what is still to be answered.
  void expect_new_numbers() {
    seqs_.clear();
    numbered_anew_at_ = numbers_;
  }
  /// From now on nobody gives up.
  void insist();
  /// The runtime is gone, and with it every answer that was to come.
  void forsaken();
  /// Says so if an answer is late; `slack` is how late the clock may be.
  void look_for_late_answers(sim_time slack) const;

  /// Whether anybody waits for a receipt.
  [[nodiscard]] bool is_waiting() const noexcept { return !waiting_.empty(); }
  [[nodiscard]] bool is_content() const noexcept { return waiting_.empty() && again_.empty(); }

private:
  struct attempt {
    uuid id;
    sim_time since{0};
    std::uint32_t tries = 0;
  };

  void submit(const uuid& id, std::uint32_t tries);
  void on_receipt(std::uint64_t number, const receipt& proof);
  void on_refusal(std::uint64_t number, const fault& why);
  void expect_order(std::uint64_t number, const receipt& proof);
  void try_later(attempt a);
  void try_again();
  void wait_for(const uuid& id);

  world& world_;
  checker& checker_;
  host* host_;
  scene& scene_;
  const plan& plan_;
  bool insistent_ = false;
  bool again_is_due_ = false;
  std::uint64_t numbers_ = 0;
  std::uint64_t numbered_anew_at_ = 0;
  std::map<std::uint64_t, attempt> waiting_;  ///< For a receipt.
  std::map<std::uint64_t, attempt> watching_; ///< For an entry's arrival; `since` is the deadline.
  std::vector<attempt> again_;
  std::map<std::string, std::map<std::uint64_t, seqno>> seqs_; ///< By lane and number, of first attempts.
};

} // namespace chasqui::simulation
