#include "runtime/topology.hpp"

#include "actors/buffer.hpp"
#include "actors/catalogue.hpp"
#include "actors/forwarder.hpp"
#include "actors/gatekeeper.hpp"
#include "actors/ingest.hpp"
#include "actors/lsn_watcher.hpp"
#include "actors/notifier.hpp"
#include "actors/reader.hpp"
#include "adapters/conninfo.hpp"
#include "adapters/event_history.hpp"
#include "adapters/journal.hpp"
#include "adapters/owner.hpp"
#include "adapters/postgres.hpp"
#include "adapters/redis.hpp"
#include "adapters/schema_file.hpp"
#include "runtime/version.hpp"

#include <caf/all.hpp>

#include <fstream>
#include <utility>

namespace chasqui {

namespace {

std::string read_secret(const std::string& path) {
  std::string line;
  if (!path.empty())
    if (std::ifstream file{path})
      std::getline(file, line);
  return line;
}

buffer_limits limits_of_buffer(const settings& s) {
  const auto& b = s.buffer;
  buffer_limits out;
  out.submit_deadline = b.submit_deadline_ms;
  out.pending_entries_max = b.pending_entries_max;
  out.waiting_entries_max = b.waiting_entries_max;
  out.waiting_bytes_max = b.waiting_bytes_max;
  out.group_entries_max = b.group_entries_max;
  out.group_bytes_max = b.group_bytes_max;
  out.retain_entries = b.retain_entries;
  out.retain_for = b.retain_for_ms;
  out.waiters_max = b.waiters_max;
  return out;
}

// What a later lane sends at once, before it knows what the link carries, must not delay the first.
constexpr std::uint64_t later_lane_starts_with_bytes = 64U << 10U;

forwarder_limits limits_of_forwarder(const settings& s, const std::string& lane) {
  const auto& f = s.forwarder;
  forwarder_limits out;
  out.window_entries_max = f.window_entries_max;
  out.window_bytes_max = f.window_bytes_max;
  out.take_entries_max = f.take_entries_max;
  out.take_bytes_max = f.take_bytes_max;
  out.barrier_entries = f.barrier_entries;
  out.stall_timeout = f.stall_timeout_ms;
  out.heartbeat = f.heartbeat_ms;
  out.queue = f.queue_ms;
  out.rate_min_kbps = f.rate_min_kbps;
  if (lane != s.lanes.front())
    out.window_start_bytes = later_lane_starts_with_bytes;
  return out;
}

reader_policy policy_of_reader(const settings& s) {
  reader_policy out;
  out.limits.rows_max = s.reader.rows_max;
  out.limits.entries_max = s.reader.entries_max;
  out.limits.bytes_max = s.reader.bytes_max;
  out.reads_max = s.reader.reads_max;
  out.waiting_max = s.reader.waiting_max;
  out.replica_patience = s.replica.timeout_ms;
  return out;
}

preflight_mode mode_of(const std::string& name) {
  return name == "off"    ? preflight_mode::off
         : name == "warn" ? preflight_mode::warn
                          : preflight_mode::enforce;
}

ingest_policy policy_of_ingest(const settings& s) {
  constexpr int part_of_deadline = 5;
  ingest_policy out;
  out.preflight = mode_of(s.preflight);
  if (out.preflight != preflight_mode::off)
    out.rows = mode_of(s.preflight_rows);
  out.confirm_timeout = s.buffer.submit_deadline_ms / part_of_deadline + milliseconds{1};
  out.keep_timeout = milliseconds{s.buffer.submit_deadline_ms} + std::chrono::seconds{5};
  out.held_max = s.buffer.waiting_entries_max;
  out.group_max = s.buffer.group_entries_max;
  out.line.looks_max = s.reader.reads_max;
  out.line.bytes_max = s.buffer.waiting_bytes_max;
  out.line.patience = 2 * out.confirm_timeout;
  return out;
}

/// The role of the primary's session. What a role may do depends on its session's options, too: if those of
/// the replica's are other ones, it is not known.
schema_scope scope_of_schema(const settings& s) {
  const auto primary = parse_conninfo(s.primary.dsn);
  const bool is_alike = primary.options == parse_conninfo(s.replica.dsn).options;
  return {is_alike ? primary.user : "", primary.dbname, s.catalogue.bytes_max};
}

std::string path_of_schema(const settings& s) {
  if (!s.catalogue.path.empty() || s.journal.path.empty())
    return s.catalogue.path;
  return s.journal.path + "-schema";
}

/// Makes the rows; each closure reads the handles that run when it is called.
struct table_maker {
  caf::actor_system& system;
  const settings& s;
  const outside_world& world;
  std::shared_ptr<directory> actors;
  wall_clock wall;

  template <class Handle> caf::actor enlist(Handle directory::handles::*member, Handle value) const {
    auto plain = caf::actor_cast<caf::actor>(value);
    actors->put(member, std::move(value));
    return plain;
  }

  [[nodiscard]] child_row notifier_row() const {
    notifier_limits limits;
    limits.backlog_max = s.events.backlog_max;
    limits.subscribers_max = s.events.subscribers_max;
    return {{"notifier", child_kind::ours, {}},
            [me = *this, outlets = event_outlets{world.history, world.publisher}, limits](const auto&) {
              return me.enlist<notifier_actor>(&directory::handles::notifier,
                                               me.system.spawn(notifier, outlets, me.wall, limits));
            }};
  }

  [[nodiscard]] child_row buffer_row() const {
    return {{"buffer", child_kind::ours, {}},
            [me = *this, stores = world.stores, lanes = s.lanes, limits = limits_of_buffer(s)](const auto&) {
              return me.enlist<buffer_actor>(
                  &directory::handles::buffer,
                  me.system.spawn(buffer, stores, me.actors->now().notifier, me.wall, lanes, limits));
            }};
  }

  [[nodiscard]] child_row watcher_row() const {
    watch_limits limits;
    limits.busy = s.watch.busy_ms;
    limits.idle = s.watch.idle_ms;
    limits.behind = s.watch.behind_ms;
    limits.far_behind = s.watch.far_behind_ms;
    return {{"lsn_watcher", child_kind::ours, {}},
            [me = *this, replica = world.replica, limits](const supervisor_actor& boss) {
              const auto now = me.actors->now();
              return me.enlist<lsn_watcher_actor>(
                  &directory::handles::watcher,
                  me.system.spawn(lsn_watcher, replica, lsn_watcher_peers{now.buffer, now.notifier, boss},
                                  me.wall, limits));
            }};
  }

  [[nodiscard]] child_row forwarder_row(const std::string& lane) const {
    return {{"forwarder/" + lane, child_kind::link, lane},
            [me = *this, primary = world.primary, lane,
             limits = limits_of_forwarder(s, lane)](const supervisor_actor& boss) {
              const auto now = me.actors->now();
              return caf::actor_cast<caf::actor>(me.system.spawn(
                  forwarder, primary, forwarder_peers{now.buffer, now.watcher, boss}, me.wall, lane, limits));
            }};
  }

  [[nodiscard]] child_row catalogue_row() const {
    const auto scope = scope_of_schema(s);
    return {{"catalogue", child_kind::ours, {}},
            [me = *this, from = catalogue_sources{world.schema, world.kept_schema},
             poll = s.catalogue.poll_ms, core = catalogue_core{scope.role, scope.database}](const auto&) {
              return me.enlist<catalogue_actor>(
                  &directory::handles::catalogue,
                  me.system.spawn(catalogue_keeper, from, me.actors->now().notifier, me.wall, poll, core));
            }};
  }

  [[nodiscard]] child_row ingest_row() const {
    return {{"ingest", child_kind::ours, {}},
            [me = *this, core = ingest_core{limits_of_transactions(s), s.lanes, s.preflight_rows != "off"},
             policy = policy_of_ingest(s)](const auto&) {
              const auto now = me.actors->now();
              const ingest_peers peers{now.buffer, now.notifier, now.catalogue, now.reader};
              return me.enlist<ingest_actor>(&directory::handles::ingest,
                                             me.system.spawn(ingest, peers, me.wall, core, policy));
            }};
  }

  [[nodiscard]] child_row reader_row() const {
    return {{"reader", child_kind::ours, {}},
            [me = *this, source = world.rows, lanes = s.lanes, policy = policy_of_reader(s)](const auto&) {
              return me.enlist<reader_actor>(
                  &directory::handles::reader,
                  me.system.spawn(reader, source, me.actors->now().buffer, lanes, policy));
            }};
  }

  [[nodiscard]] child_row gatekeeper_row(publisher publish) const {
    return {{"gatekeeper", child_kind::ours, {}},
            [me = *this, publish = std::move(publish), core = gatekeeper_core{s.remote.rights},
             site = s.site](const supervisor_actor& boss) {
              const auto now = me.actors->now();
              const gatekeeper_peers peers{now.ingest, now.buffer, now.watcher,  now.notifier,
                                           boss,       now.reader, now.catalogue};
              const gatekeeper_actor door =
                  me.system.spawn(gatekeeper, peers, core, site, std::string{chasqui_version()});
              if (const auto problem = publish(door))
                caf::anon_send(caf::actor_cast<caf::actor>(door),
                               caf::exit_msg{door.address(), to_error(problem)});
              return me.enlist<gatekeeper_actor>(&directory::handles::gatekeeper, door);
            }};
  }
};

std::shared_ptr<event_history> open_history(const settings& s) {
  auto path = s.events.history_path;
  if (path.empty() && !s.journal.path.empty())
    path = s.journal.path + "-events";
  return make_event_history(s.site, {path, s.events.history_max, s.events.backlog_max});
}

} // namespace

transaction_limits limits_of_transactions(const settings& s) {
  transaction_limits out;
  out.bytes_max = s.limits.transaction_bytes_max;
  out.steps_max = s.limits.steps_max;
  out.rows_max = s.limits.rows_max;
  out.depends_on_max = s.limits.depends_on_max;
  return out;
}

outside_world open_outside_world(io_thread& io, const settings& s) {
  outside_world out;
  if (!s.redis.socket.empty() || !s.redis.host.empty()) {
    const redis_settings redis{
        s.redis.socket,     s.redis.host,   s.redis.port,     read_secret(s.redis.password_file),
        s.redis.timeout_ms, this_process(), s.redis.lease_ms, s.preflight_rows != "off"};
    out.stores.redis = make_redis_log(io, s.site, redis);
    out.publisher = make_redis_publisher(io, s.site, redis, s.events.backlog_max);
  }
  if (!s.journal.path.empty()) {
    journal_settings journal;
    journal.path = s.journal.path;
    journal.file_bytes_max = s.journal.file_bytes_max;
    journal.queue_bytes_max = s.journal.queue_bytes_max;
    out.stores.journal = make_journal(s.site, journal);
  }
  out.history = open_history(s);
  out.primary = make_primary(io, s.site, {s.primary.dsn, s.primary.connect_timeout_ms});
  out.replica = make_replica_probe(io, s.site, {s.replica.dsn, s.replica.timeout_ms});
  if (s.preflight != "off") {
    out.schema = make_schema_source(io, s.site, {s.replica.dsn, s.replica.timeout_ms}, scope_of_schema(s));
    if (const auto path = path_of_schema(s); !path.empty())
      out.kept_schema = make_schema_file(path, s.catalogue.bytes_max);
  }
  out.rows = make_row_source(io, s.site, {s.replica.dsn, s.replica.timeout_ms});
  return out;
}

directory::handles directory::now() const {
  const std::lock_guard lock{mutex_};
  return now_;
}

void directory::clear() {
  const std::lock_guard lock{mutex_};
  now_ = {};
}

std::vector<child_row> make_topology(caf::actor_system& system, const settings& s, const outside_world& world,
                                     std::shared_ptr<directory> actors, wall_clock wall, publisher publish) {
  const table_maker make{system, s, world, std::move(actors), std::move(wall)};
  std::vector<child_row> table{make.notifier_row(), make.buffer_row(), make.watcher_row()};
  for (const auto& lane : s.lanes)
    table.push_back(make.forwarder_row(lane));
  if (world.schema)
    table.push_back(make.catalogue_row());
  table.push_back(make.reader_row());
  table.push_back(make.ingest_row());
  table.push_back(make.gatekeeper_row(std::move(publish)));
  return table;
}

supervision_policy make_supervision_policy(const settings& s) {
  supervision_policy out;
  out.restarts_max = s.supervision.restarts_max;
  out.restart_window = s.supervision.restart_window_ms;
  out.progress_timeout = s.supervision.progress_timeout_ms;
  out.backoff = {s.backoff.min_ms, s.backoff.max_ms, s.backoff.stable_ms};
  return out;
}

} // namespace chasqui
