# shellcheck shell=bash disable=SC2034,SC2119,SC2120,SC2154
# Sourced by the sandbox: its processes, told from all others by what stands in their command lines.

# PostgreSQL refuses to run as root, so root runs it as `postgres`.
as_postgres=()
((EUID != 0)) || as_postgres=(setpriv --reuid=postgres --regid=postgres --init-groups --)
readonly as_postgres

as_pg() { "${as_postgres[@]}" "$@"; }

# Starts COMMAND… in a session of its own, holding none of our files open.
launch() {
  local log=$1 fd; shift
  (
    cd "$dir" || exit
    for fd in /proc/self/fd/*; do
      fd=${fd##*/}
      ((fd <= 2 || fd == 255)) || eval "exec $fd>&-"
    done
    exec setsid "$@" </dev/null >>"$log" 2>&1
  ) &
  launched=$!
  # Its death is looked for, not reported by the shell.
  disown "$launched"
}

launched=0

# What the command line of a part's processes contains: the token, so that no other process is ever taken for
# ours.
mark_of() {
  case $1 in
    redis) echo "$dir/redis" ;;
    link) echo "$dir/link.sock" ;;
    *) echo "$token-$1" ;;
  esac
}

comm_of() {
  case $1 in
    redis) echo redis-server ;;
    link) echo chasqui-link ;;
    *) echo postgres ;;
  esac
}

# The pids of PART: for PostgreSQL the postmaster and every child, also those that outlived it.
pids_of() {
  local part=$1 mark comm proc name line
  mark=$(mark_of "$part") comm=$(comm_of "$part")
  for proc in /proc/[0-9]*; do
    read -r name 2>/dev/null <"$proc/comm" || continue
    [[ $name == "$comm" ]] || continue
    { line=$(tr '\0' ' ' <"$proc/cmdline"); } 2>/dev/null || continue
    # Bounded on both sides, so that /tmp/a is not taken for /var/tmp/a or /tmp/ab.
    [[ "$line " == *[[:space:]:=]"$mark"[[:space:]:.]* ]] && echo "${proc##*/}"
  done
  return 0
}

# Returns name their status: within a trap a bare one would return that of before the trap.
main_pid() {
  local pid
  for pid in $(pids_of "$1"); do
    case $1 in
      primary | replica) [[ $(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null) == *'postgres -D '* ]] || continue ;;
    esac
    echo "$pid"
    return 0
  done
}

# A zombie is dead, whoever has yet to collect it.
alive() {
  local fields
  { read -r fields <"/proc/$1/stat"; } 2>/dev/null || return 1
  fields=${fields##*) }
  [[ ${fields:0:1} != [ZX] ]]
}

state_of() {
  local fields
  { read -r fields <"/proc/$1/stat"; } 2>/dev/null || return 0
  fields=${fields##*) }
  echo "${fields:0:1}"
}

none_left() {
  local pid
  for pid in $(pids_of "$1"); do
    ! alive "$pid" || return 1
  done
}

signal_all() {
  local signal=$1 part=$2 pid
  for pid in $(pids_of "$part"); do
    kill "-$signal" "$pid" 2>/dev/null || true
  done
}

# A frozen postmaster forks no more, so that nobody escapes between the listing and the signal.
freeze() {
  local part=$1 pid seen='' now
  pid=$(main_pid "$part")
  [[ -z $pid ]] || kill -STOP "$pid" 2>/dev/null || true
  while now=$(pids_of "$part"); [[ $now != "$seen" ]]; do
    seen=$now
    signal_all STOP "$part"
  done
}

all_frozen() {
  local pid
  for pid in $(pids_of "$1"); do
    [[ $(state_of "$pid") == [TtZX] ]] || return 1
  done
}

slay() {
  local part=$1
  freeze "$part"
  signal_all KILL "$part"
  wait_until 10 none_left "$part" || die "$part does not die"
}

running() { [[ -n $(main_pid "$1") ]]; }

known_part() {
  local part
  for part in "${parts[@]}"; do
    [[ $part == "${1-}" ]] && return 0
  done
  die "which part? one of: ${parts[*]}"
}
