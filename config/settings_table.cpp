#include "config/settings_schema.hpp"

#include <algorithm>
#include <array>

namespace chasqui {

namespace {

constexpr std::size_t site_bytes_max = 40;
constexpr std::size_t lane_bytes_max = 63;
constexpr std::int64_t hour_ms = 3'600'000;
constexpr std::int64_t mebibyte = 1LL << 20;
constexpr std::int64_t gibibyte = 1LL << 30;
constexpr std::int64_t many = 1'000'000'000;

std::string refuse_name(const std::string& name, std::size_t bytes_max) {
  constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyz0123456789_-";
  if (!name.empty() && name.size() <= bytes_max && name.find_first_not_of(allowed) == std::string::npos)
    return "";
  return "'" + name + "' must be 1 to " + std::to_string(bytes_max) +
         " characters of lower case letters, digits, '_' and '-'";
}

std::string refuse_site(const std::string& name) { return refuse_name(name, site_bytes_max); }

std::string refuse_lane(const std::string& name) { return refuse_name(name, lane_bytes_max); }

std::string refuse_right(const std::string& right) {
  constexpr std::array<std::string_view, 3> rights{"read", "submit", "steer"};
  if (std::find(rights.begin(), rights.end(), right) != rights.end())
    return "";
  return "'" + right + "' is none of read, submit and steer";
}

std::string refuse_mode(const std::string& mode) {
  return mode == "off" || mode == "warn" || mode == "enforce"
             ? ""
             : "'" + mode + "' is none of off, warn and enforce";
}

// The name and the member cannot disagree: both are made of the same words.
#define CHASQUI_KEY(path) .name = #path, .member = [](settings& s) -> setting_member { return &s.path; }

constexpr std::array keys{
    setting_key{CHASQUI_KEY(site), .description = "Names this observatory in Redis and on the primary",
                .required = true, .example = "observatory", .refuse = refuse_site},
    setting_key{CHASQUI_KEY(lanes),
                .description = "Ordered streams of transactions, the most urgent first; that is the default",
                .required = true, .refuse = refuse_lane},

    setting_key{CHASQUI_KEY(preflight),
                .description =
                    "What the primary would refuse by the schema known here: off, warn (take it, and say "
                    "so) or enforce (refuse it)",
                .required = true, .refuse = refuse_mode},

    setting_key{
        CHASQUI_KEY(preflight_rows),
        .description =
            "What it would refuse for the rows there are, on the replica or pending: duplicate keys and "
            "missing parents. Not for tables that others write to. Needs preflight",
        .required = true, .refuse = refuse_mode},

    setting_key{CHASQUI_KEY(redis.socket),
                .description = "Path of Redis' unix socket; or else its host and port",
                .example = "/run/redis/redis-server.sock"},
    setting_key{CHASQUI_KEY(redis.host), .description = "Host of Redis, when it has no socket"},
    setting_key{CHASQUI_KEY(redis.port), .description = "Port of Redis", .range = {1, 65'535}},
    setting_key{CHASQUI_KEY(redis.password_file),
                .description = "File that holds Redis' password, if it wants one"},
    setting_key{CHASQUI_KEY(redis.timeout_ms),
                .description = "Without an answer for so long, the connection to Redis is given up",
                .range = {10, hour_ms}},
    setting_key{CHASQUI_KEY(redis.lease_ms),
                .description =
                    "A runtime that was killed or frozen for so long loses the log to one that stands by",
                .range = {500, 600'000}},

    setting_key{CHASQUI_KEY(journal.path),
                .description =
                    "File of the journal, the log on the local disk; \"\" for none. Its directory is made"},
    setting_key{CHASQUI_KEY(journal.file_bytes_max), .description = "A journal of this size is full",
                .range = {mebibyte, 1024 * gibibyte}, .unit = "bytes"},
    setting_key{CHASQUI_KEY(journal.queue_bytes_max),
                .description = "What may wait for the journal's disk; more is refused",
                .range = {mebibyte, 16 * gibibyte}, .unit = "bytes"},

    setting_key{CHASQUI_KEY(primary.dsn),
                .description = "The primary, as libpq keywords or URI, with the role chasqui_forwarder",
                .required = true, .example = "host=db.example.org dbname=observatory user=chasqui_forwarder"},
    setting_key{CHASQUI_KEY(primary.connect_timeout_ms),
                .description = "A connection that takes longer has failed", .range = {100, hour_ms}},

    setting_key{CHASQUI_KEY(replica.dsn),
                .description = "The replica at the observatory, as libpq keywords or URI", .required = true,
                .example = "host=/run/postgresql dbname=observatory user=chasqui_forwarder"},
    setting_key{CHASQUI_KEY(replica.timeout_ms),
                .description = "Without an answer for so long, a look at it failed", .range = {10, hour_ms}},

    setting_key{CHASQUI_KEY(limits.transaction_bytes_max), .description = "JSON text of one transaction",
                .range = {1024, 64 * mebibyte}, .unit = "bytes"},
    setting_key{CHASQUI_KEY(limits.steps_max), .description = "Steps of one transaction",
                .range = {1, 1'000'000}, .unit = "steps"},
    setting_key{CHASQUI_KEY(limits.rows_max), .description = "Rows of one step", .range = {1, 10'000'000},
                .unit = "rows"},
    setting_key{CHASQUI_KEY(limits.depends_on_max), .description = "Transactions that one may depend on",
                .range = {0, 100'000}, .unit = "transactions"},

    setting_key{CHASQUI_KEY(buffer.submit_deadline_ms), .description = "Every submit is answered within this",
                .range = {1, 60'000}},
    setting_key{CHASQUI_KEY(buffer.pending_entries_max),
                .description = "Entries per lane that are not replicated; more are refused",
                .range = {1, many}, .unit = "entries"},
    setting_key{CHASQUI_KEY(buffer.waiting_entries_max),
                .description = "Submissions that wait for the append before theirs; more are refused",
                .range = {1, 10'000'000}, .unit = "entries"},
    setting_key{CHASQUI_KEY(buffer.waiting_bytes_max), .description = "The same in bytes",
                .range = {1024, 16 * gibibyte}, .unit = "bytes"},
    setting_key{CHASQUI_KEY(buffer.group_entries_max), .description = "Entries in one append",
                .range = {1, 1'000'000}, .unit = "entries"},
    setting_key{CHASQUI_KEY(buffer.group_bytes_max), .description = "The same in bytes",
                .range = {1024, 256 * mebibyte}, .unit = "bytes"},
    setting_key{CHASQUI_KEY(buffer.retain_entries),
                .description =
                    "Entries kept per lane after they were released, for a failover of the primary",
                .range = {0, many}, .unit = "entries"},
    setting_key{CHASQUI_KEY(buffer.retain_for_ms), .description = "But no longer than this",
                .range = {0, hour_ms * 24 * 365 * 10}},
    setting_key{CHASQUI_KEY(buffer.waiters_max),
                .description = "Sessions that wait for a stage; more are refused", .range = {1, 1'000'000},
                .unit = "sessions"},

    setting_key{CHASQUI_KEY(reader.rows_max),
                .description = "Rows of the replica that one read may look at, and give",
                .range = {1, 1'000'000}, .unit = "rows"},
    setting_key{CHASQUI_KEY(reader.entries_max), .description = "Pending entries that one read may look at",
                .range = {1, 10'000}, .unit = "entries"},
    setting_key{CHASQUI_KEY(reader.bytes_max), .description = "The same in bytes",
                .range = {1024, 16 * mebibyte}, .unit = "bytes"},
    setting_key{CHASQUI_KEY(reader.reads_max),
                .description = "Reads at once, each with a connection to the replica", .range = {1, 100},
                .unit = "reads"},
    setting_key{CHASQUI_KEY(reader.waiting_max),
                .description = "Reads that wait for their turn; more are refused", .range = {0, 100'000},
                .unit = "reads"},

    setting_key{CHASQUI_KEY(forwarder.window_entries_max),
                .description = "Entries sent and not answered, per lane", .range = {1, 10'000'000},
                .unit = "entries"},
    setting_key{CHASQUI_KEY(forwarder.window_bytes_max), .description = "The same in bytes",
                .range = {1024, 16 * gibibyte}, .unit = "bytes"},
    setting_key{CHASQUI_KEY(forwarder.take_entries_max), .description = "Entries read from the log at once",
                .range = {1, 1'000'000}, .unit = "entries"},
    setting_key{CHASQUI_KEY(forwarder.take_bytes_max), .description = "The same in bytes",
                .range = {1024, 256 * mebibyte}, .unit = "bytes"},
    setting_key{CHASQUI_KEY(forwarder.barrier_entries),
                .description = "A synchronous commit at least every so many entries",
                .range = {1, 10'000'000}, .unit = "entries"},
    setting_key{CHASQUI_KEY(forwarder.stall_timeout_ms),
                .description = "Without an answer for so long, the primary counts as gone",
                .range = {10, hour_ms}},
    setting_key{CHASQUI_KEY(forwarder.heartbeat_ms), .description = "How long a session may be silent",
                .range = {10, hour_ms}},
    setting_key{CHASQUI_KEY(forwarder.queue_ms),
                .description = "How long what is sent may queue on the link, where nothing overtakes it",
                .range = {1, hour_ms}},
    setting_key{CHASQUI_KEY(forwarder.rate_min_kbps),
                .description = "A link that carries less than so many kilobits a second counts as gone",
                .range = {1, 100'000'000}, .unit = "kilobits a second"},

    setting_key{CHASQUI_KEY(backoff.min_ms),
                .description = "The longest wait after the first loss of the link", .range = {1, hour_ms}},
    setting_key{CHASQUI_KEY(backoff.max_ms), .description = "The longest wait after many",
                .range = {1, hour_ms}},
    setting_key{CHASQUI_KEY(backoff.stable_ms),
                .description = "A link that held so long starts again from min_ms",
                .range = {1, 24 * hour_ms}},
    setting_key{CHASQUI_KEY(backoff.ping_ms),
                .description = "How often to look for a sign of life while waiting", .range = {10, hour_ms}},

    setting_key{CHASQUI_KEY(watch.busy_ms),
                .description = "Between looks at the replica while commits wait for replay",
                .range = {1, hour_ms}},
    setting_key{CHASQUI_KEY(watch.idle_ms), .description = "And otherwise", .range = {1, hour_ms}},
    setting_key{CHASQUI_KEY(watch.behind_ms),
                .description = "A replica that lacks a commit for so long is `behind`, as an event says",
                .range = {1, 24 * hour_ms}},
    setting_key{CHASQUI_KEY(watch.far_behind_ms), .description = "And for so long `far_behind`",
                .range = {1, 24 * hour_ms}},

    setting_key{CHASQUI_KEY(catalogue.path),
                .description = "File in which the schema is kept; \"\": beside the journal, if there is one"},
    setting_key{CHASQUI_KEY(catalogue.poll_ms),
                .description = "Between looks whether the replica's schema has changed",
                .range = {100, hour_ms}},
    setting_key{CHASQUI_KEY(catalogue.bytes_max), .description = "A larger schema is not used",
                .range = {1024, 256 * mebibyte}, .unit = "bytes"},

    setting_key{CHASQUI_KEY(supervision.restarts_max),
                .description = "More restarts for faults of our own within the window stop the daemon",
                .range = {0, 10'000}, .unit = "restarts"},
    setting_key{CHASQUI_KEY(supervision.restart_window_ms), .description = "That window",
                .range = {1000, 24 * hour_ms}},
    setting_key{CHASQUI_KEY(supervision.progress_timeout_ms),
                .description = "Work and no progress on the primary for so long rebuilds the link",
                .range = {100, 24 * hour_ms}},

    setting_key{
        CHASQUI_KEY(events.backlog_max),
        .description =
            "Events under way to one subscriber, which gets the others from the history; and to the disk",
        .range = {1, 10'000'000}, .unit = "events"},
    setting_key{CHASQUI_KEY(events.subscribers_max), .description = "Subscribers at once; more are refused",
                .range = {0, 100'000}, .unit = "subscribers"},
    setting_key{CHASQUI_KEY(events.history_path),
                .description =
                    "File of the events of the past; \"\": journal.path with -events behind it, or "
                    "memory without a journal"},
    setting_key{CHASQUI_KEY(events.history_max),
                .description = "Events that it keeps; in memory, 10000 at most", .range = {1, 100'000'000},
                .unit = "events"},

    setting_key{CHASQUI_KEY(remote.listen), .description = "Address that remote sessions come to",
                .required = true},
    setting_key{CHASQUI_KEY(remote.port),
                .description =
                    "Port that remote sessions, the console among them, come to; 0 publishes nothing",
                .range = {0, 65'535}},
    setting_key{CHASQUI_KEY(remote.certificate), .description = "The daemon's certificate, PEM"},
    setting_key{CHASQUI_KEY(remote.key), .description = "Its key, PEM"},
    setting_key{CHASQUI_KEY(remote.ca),
                .description = "The authority that signed every side's certificate, PEM"},
    setting_key{CHASQUI_KEY(remote.client_certificate),
                .description = "The console's certificate, PEM; without it, the console shows the daemon's"},
    setting_key{CHASQUI_KEY(remote.client_key), .description = "Its key, PEM"},
    setting_key{CHASQUI_KEY(remote.rights), .description = "What remote sessions may do: read, submit, steer",
                .refuse = refuse_right},

    setting_key{CHASQUI_KEY(daemon.grace_ms),
                .description = "SIGTERM drains what is in flight for so long at most", .range = {0, hour_ms}},
    setting_key{CHASQUI_KEY(daemon.threads), .description = "Threads that actors share", .range = {1, 256},
                .unit = "threads"},
};

#undef CHASQUI_KEY

} // namespace

std::span<const setting_key> setting_keys() { return keys; }

} // namespace chasqui
