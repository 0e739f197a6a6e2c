#pragma once

#include "messages/event.hpp"

#include <memory>
#include <string>

namespace spdlog {
class logger;
}

namespace chasqui {

/// The daemon's log on stderr: a line an event, as text or as JSON.
class daemon_log {
public:
  explicit daemon_log(bool json);

  void say(const std::string& sentence);
  void complain(const std::string& sentence);
  /// Events that happen thousands of times a second under load (entries moving on) are left to `chasqui
  /// events`.
  void record(const event& e);

private:
  std::shared_ptr<spdlog::logger> logger_;
  bool json_;
};

} // namespace chasqui
