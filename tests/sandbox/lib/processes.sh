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

# Sets `pids` to those of PART: for PostgreSQL the postmaster and every child, also those that outlived it. Nothing
# is forked on the way: tests side by side have a hundred servers' processes, and all of them are looked at.
find_pids() {
  local mark comm proc name words
  # What the command line contains: the token, so that no other process is ever taken for ours.
  case $1 in
    redis) mark=$dir/redis comm=redis-server ;;
    link) mark=$dir/link.sock comm=chasqui-link ;;
    *) mark=$token-$1 comm=postgres ;;
  esac
  pids=()
  for proc in /proc/[0-9]*; do
    read -r name 2>/dev/null <"$proc/comm" || continue
    [[ $name == "$comm" ]] || continue
    { mapfile -d '' -t words <"$proc/cmdline"; } 2>/dev/null || continue
    # Bounded on both sides, so that /tmp/a is not taken for /var/tmp/a or /tmp/ab.
    [[ "${words[*]} " == *[[:space:]:=]"$mark"[[:space:]:.]* ]] && pids+=("${proc##*/}")
  done
  # Returns name their status: within a trap a bare one would return that of before the trap.
  return 0
}

pids=()

# Whether there is one that begets the others; its pid is in `main`.
find_main() {
  local words
  find_pids "$1"
  for main in "${pids[@]}"; do
    case $1 in
      primary | replica)
        { mapfile -d '' -t words <"/proc/$main/cmdline"; } 2>/dev/null || continue
        [[ ${words[*]} == *'postgres -D '* ]] || continue
        ;;
    esac
    return 0
  done
  return 1
}

main=0

# A zombie is dead, whoever has yet to collect it.
alive() {
  local fields
  { read -r fields <"/proc/$1/stat"; } 2>/dev/null || return 1
  fields=${fields##*) }
  [[ ${fields:0:1} != [ZX] ]]
}

# Whether it is dead, or stopped.
is_frozen() {
  local fields
  { read -r fields <"/proc/$1/stat"; } 2>/dev/null || return 0
  fields=${fields##*) }
  [[ ${fields:0:1} == [TtZX] ]]
}

none_left() {
  local pid
  find_pids "$1"
  for pid in "${pids[@]}"; do
    ! alive "$pid" || return 1
  done
}

signal_all() {
  local pid
  find_pids "$2"
  for pid in "${pids[@]}"; do
    kill "-$1" "$pid" 2>/dev/null || true
  done
}

# A frozen postmaster forks no more, so that nobody escapes between the listing and the signal.
freeze() {
  local seen=none
  ! find_main "$1" || kill -STOP "$main" 2>/dev/null || true
  while find_pids "$1"; [[ ${pids[*]} != "$seen" ]]; do
    seen=${pids[*]}
    signal_all STOP "$1"
  done
}

all_frozen() {
  local pid
  find_pids "$1"
  for pid in "${pids[@]}"; do
    is_frozen "$pid" || return 1
  done
}

slay() {
  local part=$1
  freeze "$part"
  signal_all KILL "$part"
  wait_until 60 none_left "$part" || die "$part does not die"
}

running() { find_main "$1"; }

known_part() {
  local part
  for part in "${parts[@]}"; do
    [[ $part == "${1-}" ]] && return 0
  done
  die "which part? one of: ${parts[*]}"
}
