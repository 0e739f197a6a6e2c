#pragma once

#include "runtime/console_format.hpp"
#include "runtime/remote_client.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace chasqui {

/// What scripts rely on.
enum exit_code : int { done = 0, failed = 1, usage = 2, unreachable = 3, timed_out = 4 };

/// Thrown to end the program with a message.
struct stop {
  exit_code code = failed;
  std::string message;
};

/// What a command does; its answer is the exit code.
using action = std::function<int()>;

/// What every command needs: the settings, the daemon, and the way to print.
class console {
public:
  static constexpr std::chrono::milliseconds answer_timeout{5000};

  std::string settings_path;
  output_form form = output_form::table;

  /// The settings; throws `stop` when there is anything wrong with them.
  const settings& configured();

  /// A session with the daemon; throws `stop` when there is none within `timeout`.
  remote_client& connected(std::chrono::milliseconds timeout = answer_timeout);

  /// The daemon's answer; throws `stop` when it refuses, or does not answer in time.
  template <class Answer, class Question>
  Answer ask(Question question, std::chrono::milliseconds timeout = answer_timeout) {
    auto answer = connected().ask<Answer>(std::move(question), timeout);
    if (const auto* refused = std::get_if<refusal>(&answer))
      throw to_stop(*refused);
    return std::get<Answer>(std::move(answer));
  }

  void print(const document& d) const;

private:
  static stop to_stop(const refusal& r);

  std::optional<settings> settings_;
  std::unique_ptr<remote_client> client_;
};

/// Writes all of it to standard output, waiting as long as it takes; false when nobody reads it any more.
bool write_out(std::string_view text);

/// Writes a line to standard error.
void say(const std::string& message);

/// Whether the operator says yes; where there is none to ask, yes.
bool confirmed(const std::string& question);

} // namespace chasqui
