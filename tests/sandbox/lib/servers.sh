# shellcheck shell=bash disable=SC2034,SC2119,SC2120,SC2154
# Sourced by the sandbox: the link, Redis and PostgreSQL.

# ------------------------------------------------------------------------------------------------------ link

link_program() {
  if [[ -n ${SANDBOX_LINK-} ]]; then
    [[ -x $SANDBOX_LINK ]] || die "SANDBOX_LINK=$SANDBOX_LINK is no program"
    echo "$SANDBOX_LINK"
    return 0
  fi
  local program=$repo/build/bin/chasqui-link
  [[ -x $program ]] || build_link "$program" >&2
  echo "$program"
}

build_link() {
  local program=$1
  say "compiling $program"
  mkdir -p "$(dirname "$program")"
  draft=$(mktemp "$program.XXXXXX")
  trap drop_draft EXIT # Of the subshell that asks for the program.
  g++ -std=c++20 -O2 -o "$draft" "$here"/link*.cpp -pthread || die "cannot compile the link"
  chmod 0755 "$draft"
  # Others may be building it as well; the last one wins, and each is whole.
  mv "$draft" "$program"
}

free_ports() { "$link_exe" --free-ports "$1"; }

link_ctl() { "$link_exe" --ctl "$dir/link.sock" "$@"; }

link_answers() { link_ctl >/dev/null 2>&1; }

link_up_or_dead() { [[ -s $dir/link.port ]] || ! alive "$launched"; }

start_link() {
  local half=$((rtt * 500))
  local latency
  printf -v latency '%d.%03d' $((half / 1000)) $((half % 1000))
  rm -f "$dir/link.port"
  launch "$dir/log/link.log" "$link_exe" --listen "127.0.0.1:$link_port" --target "$link_target" \
    --port-file "$dir/link.port" "latency_ms=$latency" --control "$dir/link.sock"
  wait_until 60 link_up_or_dead && alive "$launched" && wait_until 60 link_answers
}

# ----------------------------------------------------------------------------------------------------- redis

redis_answers() { [[ $(timeout 2 redis-cli -s "$dir/redis.sock" ping 2>&1) == PONG ]]; }

write_redis_conf() {
  mkdir "$dir/redis"
  cat >"$dir/redis.conf" <<EOF
port 0
unixsocket $dir/redis.sock
unixsocketperm 700
dir $dir/redis
daemonize no
save ""
appendonly yes
appendfsync $fsync
maxmemory-policy noeviction
# A test may want to hang the server from within.
enable-debug-command local
EOF
}

start_redis() {
  [[ $store == redis ]] || die "this sandbox has no Redis (--store journal)"
  launch "$dir/log/redis.log" redis-server "$dir/redis.conf"
  wait_until 60 redis_answers
}

# ------------------------------------------------------------------------------------------------ postgresql

pg_bin() {
  local newest
  newest=$(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
  [[ -x $newest/postgres ]] || die "no PostgreSQL server under /usr/lib/postgresql: apt-get install postgresql-15"
  echo "$newest"
}

pg_port() { if [[ $1 == primary ]]; then echo "$primary_port"; else echo "$replica_port"; fi; }

direct_dsn() {
  echo "host=127.0.0.1 port=$(pg_port "$1") dbname=ops user=postgres password=$pg_password application_name=sandbox"
}

forwarder_dsn() { echo "host=127.0.0.1 port=$1 dbname=ops user=chasqui_forwarder sslmode=disable application_name=chasqui"; }

sql() {
  local part=$1; shift
  PGCONNECT_TIMEOUT=60 psql -X -q -A -t -v ON_ERROR_STOP=1 -d "$(direct_dsn "$part")" "$@"
}

init_primary() {
  as_pg tee "$pg_dir/password" <<<"$pg_password" >/dev/null
  as_pg "$pg/initdb" --pgdata "$pg_dir/primary" --no-sync --no-instructions --locale=C.UTF-8 --encoding=UTF8 \
    --username=postgres --auth=scram-sha-256 --pwfile="$pg_dir/password" >"$dir/log/initdb.log" 2>&1 ||
    { show_log initdb; return 1; }
  as_pg rm "$pg_dir/password"
  as_pg tee -a "$pg_dir/primary/postgresql.conf" >/dev/null <<'EOF'
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 100
shared_buffers = 64MB
# Files under the data directory, so that a killed server leaves nothing in /dev/shm.
dynamic_shared_memory_type = mmap
wal_level = replica
max_wal_size = 2GB
max_wal_senders = 10
max_replication_slots = 10
max_slot_wal_keep_size = 4GB
wal_sender_timeout = 10s
wal_receiver_timeout = 10s
wal_receiver_status_interval = 1s
wal_retrieve_retry_interval = 500ms
hot_standby = on
# What a killed peer leaves behind is noticed soon.
tcp_keepalives_idle = 5
tcp_keepalives_interval = 2
tcp_keepalives_count = 3
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] %q%u@%d %a '
EOF
  # Only this machine's loopback, only until `down`: without a password the two roles that cross the link save
  # a round trip of scram over it. The superuser is not let in so easily.
  as_pg tee "$pg_dir/primary/pg_hba.conf" >/dev/null <<'EOF'
host ops         chasqui_forwarder 127.0.0.1/32 trust
host replication replicator        127.0.0.1/32 trust
host all         postgres          127.0.0.1/32 scram-sha-256
EOF
}

# The data of both servers. Those of the primary, with the schemas and a slot for the replica in them, are made once and
# copied from then on, with the password: they are kept beside what was built.
init_servers() {
  local made_of template
  made_of=$(cat "$here/lib/servers.sh" "$here/domain.sql" "$repo/config/sql/primary.sql" - <<<"$pg" | sha256sum)
  template=${SANDBOX_BUILD_DIR:-$repo/build}/pg-template-${made_of:0:12}
  if [[ -O $template ]]; then
    cp -a "$template/primary" "$pg_dir/primary"
    pg_password=$(<"$template/password")
  else
    init_primary
    start_somewhere primary
    install_schemas
    as_pg "$pg/pg_ctl" stop -w -t 240 -m fast -D "$pg_dir/primary" >/dev/null
    keep_template "$template" 2>/dev/null || say "the next sandbox will take as long: $template cannot be written"
  fi
  as_pg cp -a "$pg_dir/primary" "$pg_dir/replica"
  as_pg rm -r "$pg_dir/replica/pg_replslot/replica"
}

# Several may do so at once: each is whole, and the first one stays.
keep_template() {
  draft=$(mktemp -d "$1.XXXXXX") || return
  if ! { cp -a "$pg_dir/primary" "$draft/primary" && echo "$pg_password" >"$draft/password" && mv -T "$draft" "$1"; }; then
    drop_draft
  fi
  # Nobody copies these any more.
  find "${1%/*}" -maxdepth 1 -name 'pg-template-*' ! -name "${1##*/}*" -mmin +60 -exec rm -rf {} +
}

draft=''

drop_draft() { [[ -z $draft ]] || rm -rf "$draft"; }

init_replica() {
  as_pg "$pg/pg_basebackup" --pgdata "$pg_dir/replica" --no-sync --checkpoint=fast --wal-method=stream \
    --create-slot --slot=replica -d "host=127.0.0.1 port=$primary_port user=replicator options='-c wal_sender_timeout=60s'"
  follow_primary
}

follow_primary() {
  as_pg tee -a "$pg_dir/replica/postgresql.conf" >/dev/null <<EOF
primary_conninfo = 'host=127.0.0.1 port=$link_port user=replicator application_name=replica connect_timeout=5 keepalives_idle=5 keepalives_interval=2 keepalives_count=3'
primary_slot_name = 'replica'
EOF
  as_pg touch "$pg_dir/replica/standby.signal"
}

# The status that the postmaster itself keeps in its pid file: "ready" once it takes connections.
pg_ready_or_dead() {
  local lines=()
  { mapfile -t lines <"$pg_dir/$1/postmaster.pid"; } 2>/dev/null || true
  [[ ${lines[7]-} == ready* ]] || ! alive "$launched"
}

start_pg() {
  local part=$1
  # What a killed server left: its status must not be taken for that of the new one, nor its pid for one in
  # use.
  remove_shared_memory "$part"
  as_pg rm -f "$pg_dir/$part/postmaster.pid"
  launch "$dir/log/$part.log" "${as_postgres[@]}" \
    "$pg/postgres" -D "$pg_dir/$part" -p "$(pg_port "$part")" -c "cluster_name=$token-$part"
  wait_until 60 pg_ready_or_dead "$part" && alive "$launched"
}

# A postmaster that was killed leaves a System V segment, which only its pid file remembers.
remove_shared_memory() {
  local lines=() id
  { mapfile -t lines <"$pg_dir/$1/postmaster.pid"; } 2>/dev/null || return 0
  read -r _ id <<<"${lines[6]-}"
  [[ -z $id ]] || as_pg ipcrm -m "$id" 2>/dev/null || true
}

streams() {
  [[ $(sql primary -c "select count(*) from pg_stat_replication where application_name = 'replica' and state = 'streaming'" \
    2>/dev/null) == 1 ]] &&
    [[ $(sql replica -c "select count(*) from pg_stat_wal_receiver where status = 'streaming'" 2>/dev/null) == 1 ]]
}

install_schemas() {
  sql primary -d "$(direct_dsn primary | sed 's/dbname=ops/dbname=postgres/')" \
    -c "CREATE DATABASE ops" -c "CREATE ROLE replicator LOGIN REPLICATION"
  sql primary -f "$repo/config/sql/primary.sql" -f "$here/domain.sql" \
    -c "SELECT pg_create_physical_replication_slot('replica', true)" >"$dir/log/schemas.log"
}
