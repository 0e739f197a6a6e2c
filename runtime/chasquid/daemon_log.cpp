#include "runtime/chasquid/daemon_log.hpp"

#include "messages/json.hpp"

#include <nlohmann/json.hpp>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace chasqui {

namespace {

std::string as_json(const std::string& level, const std::string& sentence) {
  // A server may complain in an encoding of its own.
  return nlohmann::json{{"level", level}, {"message", sentence}}
      .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)
      .substr(1);
}

bool is_routine(event_kind kind) {
  return kind == event_kind::buffered || kind == event_kind::sent || kind == event_kind::committed ||
         kind == event_kind::replicated || kind == event_kind::released;
}

} // namespace

daemon_log::daemon_log(bool json)
    : logger_{std::make_shared<spdlog::logger>("chasquid",
                                               std::make_shared<spdlog::sinks::stderr_sink_mt>())},
      json_{json} {
  // The closing brace of the object comes from `as_json`.
  logger_->set_pattern(json ? R"({"at":"%Y-%m-%dT%H:%M:%S.%fZ",%v)" : "%Y-%m-%dT%H:%M:%S.%fZ %l %v",
                       spdlog::pattern_time_type::utc);
  logger_->flush_on(spdlog::level::info);
}

void daemon_log::say(const std::string& sentence) {
  logger_->info("{}", json_ ? as_json("info", sentence) : sentence);
}

void daemon_log::complain(const std::string& sentence) {
  logger_->error("{}", json_ ? as_json("error", sentence) : sentence);
}

void daemon_log::record(const event& e) {
  if (is_routine(e.kind))
    return;
  std::string sentence{to_string(e.kind)};
  if (!e.lane.empty())
    sentence += " " + e.lane;
  if (e.to_seq != 0)
    sentence += " " + std::to_string(e.to_seq);
  if (!e.id.is_nil())
    sentence += " " + to_string(e.id);
  say(sentence + ": " + e.detail);
}

} // namespace chasqui
