#include "tests/support/redis_server.hpp"

#include "tests/support/wait_until.hpp"

#include <hiredis/hiredis.h>

#include <csignal>
#include <filesystem>
#include <stdexcept>

namespace chasqui::test {
namespace {

struct closer {
  void operator()(redisContext* context) const { redisFree(context); }
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};

constexpr timeval patience{long_enough.count(), 0};

std::string flat(const redisReply& reply) {
  if (reply.type == REDIS_REPLY_INTEGER)
    return std::to_string(reply.integer);
  if (reply.type != REDIS_REPLY_ARRAY)
    return reply.str == nullptr ? std::string{} : std::string(reply.str, reply.len);
  std::string text;
  for (std::size_t i = 0; i < reply.elements; ++i)
    text += flat(*reply.element[i]) + "\n";
  return text;
}

} // namespace

redis_server::redis_server(settings overrides)
    : settings_{{"port", "0"},         {"unixsocket", socket()},          {"dir", dir_.path().string()},
                {"appendonly", "yes"}, {"appendfsync", "always"},         {"save", ""},
                {"daemonize", "no"},   {"maxmemory-policy", "noeviction"}} {
  settings_.insert(settings_.end(), overrides.begin(), overrides.end());
  start();
}

void redis_server::start() {
  std::vector<std::string> argv{"redis-server"};
  for (const auto& [name, value] : settings_)
    argv.insert(argv.end(), {"--" + name, value});
  std::filesystem::remove(socket());
  process_ = std::make_unique<child_process>(argv, child_process::options{dir_.file("redis.out"), ""});
  if (!wait_until([this] { return answers() || !process_->running(); }) || !process_->running())
    throw std::runtime_error("redis-server did not start; see " + dir_.file("redis.out"));
}

void redis_server::kill() { process_->kill_and_wait(); }

void redis_server::stop() { process_->signal(SIGSTOP); }

void redis_server::cont() { process_->signal(SIGCONT); }

void redis_server::wipe() {
  kill();
  std::filesystem::remove_all(dir_.path() / "appendonlydir");
  start();
}

std::string redis_server::command(const std::vector<std::string>& words) const {
  const std::unique_ptr<redisContext, closer> context{
      redisConnectUnixWithTimeout(socket().c_str(), patience)};
  if (!context || context->err != 0)
    throw std::runtime_error("no redis-server at " + socket());
  redisSetTimeout(context.get(), patience);
  std::vector<const char*> begins;
  std::vector<std::size_t> sizes;
  for (const auto& word : words) {
    begins.push_back(word.data());
    sizes.push_back(word.size());
  }
  const std::unique_ptr<redisReply, closer> reply{static_cast<redisReply*>(
      redisCommandArgv(context.get(), static_cast<int>(words.size()), begins.data(), sizes.data()))};
  if (!reply)
    throw std::runtime_error("redis-server did not answer " + words.front());
  return flat(*reply);
}

std::string redis_server::info(const std::string& name) const {
  const auto text = command({"INFO", "everything"});
  const auto found = text.find("\n" + name + ":");
  if (found == std::string::npos)
    return "";
  const auto begin = found + name.size() + 2;
  return text.substr(begin, text.find('\r', begin) - begin);
}

bool redis_server::answers() const {
  try {
    return command({"PING"}) == "PONG";
  } catch (const std::runtime_error&) {
    return false;
  }
}

} // namespace chasqui::test
