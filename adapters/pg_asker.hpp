#pragma once

#include "adapters/io_timer.hpp"
#include "adapters/pg_connection.hpp"
#include "adapters/row_sql.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace chasqui {

/// What came of some questions: an answer each, or a `problem`.
struct pg_answers {
  fault problem;
  std::vector<pg_answer> each; ///< Null for one that was refused, if each was asked for itself.
};

/// What a refusal by the server means for the other questions.
enum class asked : std::uint8_t {
  together, ///< None of them is answered.
  each      ///< Nothing.
};

/// A connection that is asked, and answers; used on the I/O thread only. After any problem but a refusal by
/// the server it is of no more use.
class pg_asker final : public pg_connection_user {
public:
  /// `where` says who is asked, in errors: `the replica`.
  pg_asker(io_thread& io, std::string dsn, std::string application_name, std::string where);

  /// Asks everything in one round trip; connects first if need be. One call at a time.
  void ask(std::vector<pg_question> questions, std::function<void(pg_answers)> then,
           asked how = asked::together);

  /// Until when answers are waited for, from now on.
  void give_patience(std::chrono::milliseconds patience);

  /// Ends it; a call under way is answered `unavailable`.
  void abandon();

  [[nodiscard]] bool is_busy() const { return then_ != nullptr; }
  [[nodiscard]] bool is_usable() const { return !broken_; }

private:
  void connected() override;
  void received() override;
  void drained() override {}
  void broken(std::string why) override;
  void send();
  void finish(fault problem);
  void take(pg_answer answer);

  io_thread& io_;
  std::string dsn_;
  std::string application_name_;
  std::string where_;
  io_timer timer_;
  std::unique_ptr<pg_connection> connection_;
  bool is_connected_ = false;
  bool broken_ = false;
  std::vector<pg_question> questions_;
  std::function<void(pg_answers)> then_;
  asked how_ = asked::together;
  std::size_t syncs_due_ = 0; ///< Of the call under way.
  pg_answers answers_;
};

} // namespace chasqui
