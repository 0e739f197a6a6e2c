#pragma once

#include "adapters/ports/journal_store.hpp"
#include "tests/support/log_client.hpp"

namespace chasqui::test {

/// A journal, asked by a test.
class journal_client : public log_client {
public:
  explicit journal_client(std::shared_ptr<journal_store> journal)
      : log_client{journal}, journal_{std::move(journal)} {}

  fault note(epoch_no epoch, std::vector<roll_line> lines) {
    return get(begin<fault>([&](auto then) { journal_->note(epoch, std::move(lines), then); }));
  }
  roll_page call_roll(std::string lane, seqno from, seqno to, std::uint64_t lines_max) {
    return get(begin<roll_page>(
        [&](auto then) { journal_->call_roll(std::move(lane), from, to, lines_max, then); }));
  }
  fault strike(std::string lane, seqno through) {
    return get(begin<fault>([&](auto then) { journal_->strike(std::move(lane), through, then); }));
  }
  fault clear() {
    return get(begin<fault>([&](auto then) { journal_->clear(then); }));
  }

private:
  std::shared_ptr<journal_store> journal_;
};

} // namespace chasqui::test
