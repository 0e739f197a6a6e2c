#include "config/settings_report.hpp"
#include "config/settings_schema.hpp"

#include <array>
#include <cerrno>
#include <fstream>
#include <system_error>
#include <type_traits>
#include <variant>

namespace chasqui {

namespace {

bool is_empty(const setting_key& key, const settings& s) {
  auto copy = s; // `member` wants to write.
  return std::visit(
      [](const auto* member) {
        if constexpr (requires { member->empty(); })
          return member->empty();
        else
          return false;
      },
      key.member(copy));
}

void check_required(const settings& s, settings_report& report) {
  for (const auto& key : setting_keys())
    if (key.required && is_empty(key, s))
      report.refuse(key.name, std::string{key.name} + " must be set: " + std::string{key.description});
}

void check_stores(const settings& s, settings_report& report) {
  if (s.redis.socket.empty() && s.redis.host.empty() && s.journal.path.empty())
    report.refuse("redis.socket",
                  "redis.socket, redis.host or journal.path must be set: where the log is kept");
  if (!s.journal.path.empty() && s.journal.queue_bytes_max < s.buffer.group_bytes_max)
    report.refuse("journal.queue_bytes_max",
                  "journal.queue_bytes_max must not be below buffer.group_bytes_max, or the largest appends "
                  "wait for an idle disk");
  if (!s.journal.path.empty() && s.journal.path == s.events.history_path)
    report.refuse("events.history_path", "events.history_path and journal.path must be two files");
  if (!s.redis.socket.empty() && !s.redis.host.empty())
    report.refuse("redis.host", "redis.socket and redis.host are both set; keep one of them");
}

void check_order(const settings& s, settings_report& report) {
  if (s.backoff.min_ms > s.backoff.max_ms)
    report.refuse("backoff.min_ms", "backoff.min_ms must not be above backoff.max_ms");
  if (s.forwarder.barrier_entries > s.forwarder.window_entries_max)
    report.refuse("forwarder.barrier_entries",
                  "forwarder.barrier_entries must not be above forwarder.window_entries_max");
  if (s.watch.busy_ms > s.watch.idle_ms)
    report.refuse("watch.busy_ms", "watch.busy_ms must not be above watch.idle_ms");
  if (s.watch.behind_ms > s.watch.far_behind_ms)
    report.refuse("watch.behind_ms", "watch.behind_ms must not be above watch.far_behind_ms");
  if (s.buffer.waiting_bytes_max < s.limits.transaction_bytes_max)
    report.refuse("buffer.waiting_bytes_max", "buffer.waiting_bytes_max must not be below "
                                              "limits.transaction_bytes_max, or the largest "
                                              "transactions are never kept");
}

/// A PEM file, as the daemon or the console will open it.
struct remote_file {
  std::string_view key;
  const std::string& path;
};

int reason_not_to_open(const std::string& path) {
  errno = 0;
  const std::ifstream file{path};
  return file.is_open() ? 0 : errno;
}

// Of one file that serves both, the daemon's user may be kept from reading the console's key, and the
// console's from reading the daemon's: being forbidden to read one pair is no error as long as there is
// another.
void check_files(const settings& s, settings_report& report) {
  const auto& remote = s.remote;
  const std::array files{remote_file{"remote.certificate", remote.certificate},
                         remote_file{"remote.key", remote.key}, remote_file{"remote.ca", remote.ca},
                         remote_file{"remote.client_certificate", remote.client_certificate},
                         remote_file{"remote.client_key", remote.client_key}};
  const bool two_pairs = !remote.key.empty() && !remote.client_key.empty();
  for (const auto& [key, path] : files) {
    const auto reason = path.empty() ? 0 : reason_not_to_open(path);
    if (reason == 0 || (reason == EACCES && two_pairs && key != "remote.ca"))
      continue;
    report.refuse(key, std::string{key} + ": " + path +
                           " cannot be read: " + std::generic_category().message(reason));
  }
}

void check_preflight(const settings& s, settings_report& report) {
  if (s.preflight == "off" && s.preflight_rows != "off")
    report.refuse("preflight_rows",
                  "preflight_rows is " + s.preflight_rows +
                      ", and preflight is off: without the schema nobody knows which rows to look at");
}

void check_remote(const settings& s, settings_report& report) {
  const auto& remote = s.remote;
  const std::array files{remote_file{"remote.certificate", remote.certificate},
                         remote_file{"remote.key", remote.key}, remote_file{"remote.ca", remote.ca}};
  std::size_t named = 0;
  for (const auto& file : files)
    named += file.path.empty() ? 0 : 1;
  if (named == 0 && remote.port != 0)
    report.refuse("remote.port",
                  "remote.port is set: nothing can be published without certificate, key and ca of [remote]");
  for (const auto& file : files)
    if (named != 0 && file.path.empty())
      report.refuse(file.key, std::string{file.key} + " must be set: certificate, key and ca of [remote] go "
                                                      "together");
  if (remote.client_certificate.empty() != remote.client_key.empty())
    report.refuse(remote.client_key.empty() ? "remote.client_key" : "remote.client_certificate",
                  "remote.client_certificate and remote.client_key go together");
}

} // namespace

void check_settings(const settings& s, settings_reader who, settings_report& report) {
  if (who == settings_reader::daemon) {
    check_required(s, report);
    check_stores(s, report);
    check_order(s, report);
    check_preflight(s, report);
    check_remote(s, report);
  }
  check_files(s, report);
}

} // namespace chasqui
