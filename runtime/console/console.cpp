#include "runtime/console/console.hpp"

#include "config/environment.hpp"

#include <cerrno>
#include <iostream>

#include <poll.h>
#include <unistd.h>

namespace chasqui {

const settings& console::configured() {
  if (settings_)
    return *settings_;
  if (settings_path.empty())
    throw stop{usage, "say where the settings are: --config FILE, or CHASQUI_CONFIG"};
  auto reading = read_settings_file(settings_path, process_environment(), {}, settings_reader::console);
  std::string wrong;
  for (const auto& error : reading.errors)
    wrong += (wrong.empty() ? "" : "\n") + to_string(error);
  if (!wrong.empty())
    throw stop{usage, wrong};
  settings_ = std::move(reading.value);
  return *settings_;
}

remote_client& console::connected(std::chrono::milliseconds timeout) {
  if (client_)
    return *client_;
  auto target = target_of(configured());
  if (const auto* missing = std::get_if<fault>(&target))
    throw stop{usage, settings_path + ": " + missing->message};
  auto client = std::make_unique<remote_client>(std::get<remote_target>(std::move(target)));
  if (const auto why = client->connect(timeout))
    throw stop{unreachable, why->message};
  client_ = std::move(client);
  return *client_;
}

stop console::to_stop(const refusal& r) {
  if (r.unreachable)
    return {unreachable, r.why.message};
  const auto code = r.why.code == fault_code::timed_out ? timed_out : failed;
  return {code, std::string{to_string(r.why.code)} + ": " + r.why.message};
}

void console::print(const document& d) const {
  if (!write_out(render(d, form)))
    throw stop{failed, "nobody reads standard output"};
}

bool write_out(std::string_view text) {
  while (!text.empty()) {
    const auto written = write(STDOUT_FILENO, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {
      pollfd room{STDOUT_FILENO, POLLOUT, 0};
      poll(&room, 1, -1);
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

void say(const std::string& message) { std::cerr << "chasqui: " << message << '\n'; }

bool confirmed(const std::string& question) {
  if (isatty(STDIN_FILENO) == 0)
    return true;
  std::cerr << question << " [y/N] ";
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "yes";
}

} // namespace chasqui
