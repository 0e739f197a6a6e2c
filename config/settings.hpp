#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace chasqui {

using std::chrono::milliseconds;

/// Everything that can be set. Each member's default is what holds when the file does not name it; the names
/// are those of the file, `table.key`.
struct settings {
  std::string site; ///< Names this observatory in Redis and on the primary: `[a-z0-9_-]{1,40}`.
  std::vector<std::string> lanes{"main"}; ///< In order of priority; the first is the default lane.

  std::string preflight = "enforce";  ///< `off`, `warn` or `enforce`: what the schema refuses for certain.
  std::string preflight_rows = "off"; ///< The same of what rows refuse: duplicate keys, missing parents.

  struct {
    std::string socket; ///< Path of Redis' unix socket; or else
    std::string host;   ///< its host and
    std::uint16_t port = 6379;
    std::string password_file;     ///< File that holds the password, if Redis wants one.
    milliseconds timeout_ms{2000}; ///< Without an answer for so long, the connection is given up.
    milliseconds lease_ms{5000};   ///< So long after its last sign no other runtime takes the log over.
  } redis;

  struct {
    std::string path;                             ///< The file; "" for no journal.
    std::uint64_t file_bytes_max = 16ULL << 30U;  ///< Beyond it, the journal is full.
    std::uint64_t queue_bytes_max = 64ULL << 20U; ///< What waits for the disk; more is refused.
  } journal;

  struct {
    std::string dsn; ///< libpq keywords or URI, of the role `chasqui_forwarder`.
    milliseconds connect_timeout_ms{10'000};
  } primary;

  struct {
    std::string dsn;
    milliseconds timeout_ms{2000}; ///< Of one look.
  } replica;

  struct {
    std::size_t transaction_bytes_max = 1U << 20U;
    std::size_t steps_max = 1000;
    std::size_t rows_max = 10'000;
    std::size_t depends_on_max = 100;
  } limits;

  struct {
    milliseconds submit_deadline_ms{250};           ///< Every submit is answered within this.
    std::uint64_t pending_entries_max = 10'000'000; ///< Entries that are not replicated, per lane.
    std::uint64_t waiting_entries_max = 10'000;     ///< Submissions that wait for the append before theirs.
    std::uint64_t waiting_bytes_max = 64U << 20U;
    std::uint64_t group_entries_max = 500; ///< Entries in one append.
    std::uint64_t group_bytes_max = 4U << 20U;
    std::uint64_t retain_entries =
        10'000; ///< Entries kept per lane after they were released, for a failover, but
    milliseconds retain_for_ms{86'400'000}; ///< no longer than this.
    std::uint64_t waiters_max = 20'000;     ///< Sessions that wait for a stage.
  } buffer;

  struct {
    std::uint64_t rows_max = 10'000;      ///< Of the replica, and in an answer.
    std::uint64_t entries_max = 10'000;   ///< Pending entries that one read may look at.
    std::uint64_t bytes_max = 16U << 20U; ///< Of their payload.
    std::uint32_t reads_max = 4;          ///< At once, each with a connection to the replica.
    std::uint64_t waiting_max = 1000;     ///< Reads that wait for one of these.
  } reader;

  struct {
    std::uint64_t window_entries_max = 16'384; ///< Entries sent and not answered, per lane.
    std::uint64_t window_bytes_max = 16U << 20U;
    std::uint64_t take_entries_max = 200; ///< Entries read from the log at once.
    std::uint64_t take_bytes_max = 1U << 20U;
    std::uint64_t barrier_entries = 1000; ///< A barrier at least every so many entries.
    milliseconds stall_timeout_ms{5000};  ///< Without an answer for so long, the primary counts as gone.
    milliseconds heartbeat_ms{2000};      ///< How long a session may be silent.
    milliseconds queue_ms{500};           ///< How long what is sent may queue on the link.
    std::uint64_t rate_min_kbps = 128;    ///< A link that carries less counts as gone.
  } forwarder;

  struct {
    milliseconds min_ms{200};
    milliseconds max_ms{15'000};
    milliseconds stable_ms{30'000}; ///< A link that held so long starts again from `min_ms`.
    milliseconds ping_ms{1000};     ///< How often to look for a sign of life while backing off.
  } backoff;

  struct {
    milliseconds busy_ms{10};           ///< Between looks at the replica while commits wait for replay.
    milliseconds idle_ms{1000};         ///< And otherwise.
    milliseconds behind_ms{2000};       ///< A replica that lacks a commit for so long is `behind`,
    milliseconds far_behind_ms{60'000}; ///< and for so long `far_behind`.
  } watch;

  struct {
    std::string path;                       ///< The file; "": beside the journal, if there is one.
    milliseconds poll_ms{1000};             ///< Between looks at the replica's schema.
    std::uint64_t bytes_max = 16ULL << 20U; ///< A larger schema is not used.
  } catalogue;

  struct {
    std::uint32_t restarts_max = 5; ///< More restarts for faults of ours within the window stop the runtime.
    milliseconds restart_window_ms{60'000};
    milliseconds progress_timeout_ms{
        30'000}; ///< Work and no progress of the cursor for so long rebuilds the link.
  } supervision;

  struct {
    std::uint64_t backlog_max = 10'000; ///< Events under way to one subscriber, and on their way to the disk.
    std::uint32_t subscribers_max = 100;
    std::string history_path;            ///< The file; "": beside the journal; without one, in memory.
    std::uint64_t history_max = 100'000; ///< Events that are kept.
  } events;

  struct {
    std::string listen = "127.0.0.1";
    std::uint16_t port = 0;  ///< 0: nothing is published.
    std::string certificate; ///< PEM files; without certificate, key and CA nothing is published.
    std::string key;
    std::string ca;
    std::string client_certificate; ///< The console's own.
    std::string client_key;
    std::vector<std::string> rights{"read", "submit", "steer"}; ///< What remote sessions may do.
  } remote;

  struct {
    milliseconds grace_ms{10'000}; ///< SIGTERM drains what is in flight for so long at most.
    std::uint32_t threads = 2;     ///< Actor threads.
  } daemon;
};

/// What is wrong with the settings, and where.
struct settings_error {
  std::string source;     ///< File, environment variable or flag.
  std::uint32_t line = 0; ///< 0 when there is none.
  std::uint32_t column = 0;
  std::string message; ///< With a suggestion, where there is one.
};

/// `source:line:column: message`
std::string to_string(const settings_error& e);

/// What was read, with all that is wrong with it; valid only if `errors` is empty.
struct settings_reading {
  settings value;
  std::vector<settings_error> errors;
};

/// Who reads them. A console needs to know where the daemon is, and nothing of its stores and servers.
enum class settings_reader : std::uint8_t { daemon, console };

/// Reads TOML text, then lays `CHASQUI_…` of the environment and then `overrides` (`table.key` → text, from
/// flags) over it, and checks every value; what the reader has to have is asked for. All errors are reported,
/// not just the first.
settings_reading read_settings(const std::string& toml, const std::string& source,
                               const std::map<std::string, std::string>& environment,
                               const std::map<std::string, std::string>& overrides,
                               settings_reader who = settings_reader::daemon);

/// The same from a file; an unreadable one is an error like any other.
settings_reading read_settings_file(const std::string& path,
                                    const std::map<std::string, std::string>& environment,
                                    const std::map<std::string, std::string>& overrides,
                                    settings_reader who = settings_reader::daemon);

} // namespace chasqui
