#!/usr/bin/env bash
# A real Apache Kafka on this machine, for tests and for trying things out.
#
#   scripts/dev-kafka.sh up     [--brokers N] [--dir D] [--port P]   start it (or find it running) and wait until it answers
#   scripts/dev-kafka.sh status [--dir D]                            exit 0 and print where it is, or exit 1
#   scripts/dev-kafka.sh down   [--dir D] [--keep]                   stop it; --keep leaves the data for the next "up"
#   scripts/dev-kafka.sh jars                                        only fetch the jars
#
# "up" and "status" print lines that a shell can eval, and nothing else, on standard output:
#   bootstrap=127.0.0.1:19092      what goes into bootstrap.servers (all brokers, joined by commas)
#   libs=…/libs                    the class path folder of Kafka and of the Java Connect worker
#   java_plugins=…/plugins         a plugin.path for the Java worker, with connect-file in it
#   kafka_dir=…                    data and logs: broker-1/broker.log, …
#
# --brokers N  1 (the default) or 3; with 3, topics get three replicas and min.insync.replicas=2.
# --port P     client port of the first broker, P+1 that of the second, …; chosen by itself when left out.
# --dir D      where data and logs go, one Kafka per folder.
# Several may run side by side in different folders. Only the loopback address is listened on.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib/kafka.sh
. "$here/lib/kafka.sh"

START_TIMEOUT=90 # seconds until the broker must answer
STOP_TIMEOUT=30  # seconds a broker may take to stop before it is killed

if command -v setsid >/dev/null; then new_session=(setsid); else new_session=(nohup); fi

usage() { sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"; }

dir="${TMPDIR:-/tmp}/ferroconnect-kafka-$(id -u)"
brokers=1
port=
keep=
parse_options() {
  while [ $# -gt 0 ]; do
    case $1 in
      --brokers) brokers=${2:?--brokers needs a number}; shift 2 ;;
      --dir) dir=${2:?--dir needs a folder}; shift 2 ;;
      --port) port=${2:?--port needs a number}; shift 2 ;;
      --keep) keep=1; shift ;;
      *) die "unknown option $1; see ${0##*/} --help" ;;
    esac
  done
  case $brokers in 1 | 3) ;; *) die "--brokers $brokers: 1 or 3 are possible" ;; esac
  case $port in *[!0-9]*) die "--port $port: a port number is wanted" ;; esac
  case $dir in /*) ;; *) dir=$PWD/$dir ;; esac
}

# The process of broker $1, if it is still the one that was started here (ids are used again by the system).
broker_pid() {
  local pid
  pid=$(cat "$dir/broker-$1/pid" 2>/dev/null) || return 1
  if [ -d /proc/self ]; then
    [ -r "/proc/$pid/cmdline" ] || return 1
    { tr '\0' ' ' <"/proc/$pid/cmdline"; } 2>/dev/null | grep -qF "$dir/broker-$1/server.properties" || return 1
  else
    ps -o command= -p "$pid" 2>/dev/null | grep -qF "$dir/broker-$1/server.properties" || return 1
  fi
  printf '%s\n' "$pid"
}

# Sends ApiVersions (key 18, version 0, correlation id 7) and looks for the id in the answer.
broker_answers() {
  local reply
  reply=$(
    exec 2>/dev/null # a refused connection is an answer, not an error to show
    exec 3<>"/dev/tcp/127.0.0.1/$1" || exit 1
    printf '\0\0\0\012\0\022\0\0\0\0\0\007\377\377' >&3
    timeout 5 head -c 8 <&3 | od -An -tx1 | tr -d ' \n'
  ) || return 1
  case $reply in ????????00000007) return 0 ;; *) return 1 ;; esac
}

# Chooses ports and ids and writes the broker's files. $1: number of the broker, from 1.
write_config() {
  local id=$1 home=$dir/broker-$1 replicas=$brokers min_isr=1 voters='' n
  [ "$brokers" = 1 ] || min_isr=2
  for n in $(seq "$brokers"); do voters+="${voters:+,}$n@127.0.0.1:${controller_ports[$((n - 1))]}"; done
  mkdir -p "$home"
  cat >"$home/server.properties" <<PROPERTIES
process.roles=broker,controller
node.id=$id
controller.quorum.voters=$voters
listeners=PLAINTEXT://127.0.0.1:${client_ports[$((id - 1))]},CONTROLLER://127.0.0.1:${controller_ports[$((id - 1))]}
advertised.listeners=PLAINTEXT://127.0.0.1:${client_ports[$((id - 1))]}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=$home/data
default.replication.factor=$replicas
offsets.topic.replication.factor=$replicas
transaction.state.log.replication.factor=$replicas
share.coordinator.state.topic.replication.factor=$replicas
min.insync.replicas=$min_isr
transaction.state.log.min.isr=$min_isr
share.coordinator.state.topic.min.isr=$min_isr
offsets.topic.num.partitions=4
transaction.state.log.num.partitions=4
share.coordinator.state.topic.num.partitions=4
group.initial.rebalance.delay.ms=0
# A killed worker is to be noticed within a test, not within the 6 s that brokers insist on by default.
group.min.session.timeout.ms=500
# Tests make and delete many topics; a segment is only as long as what was written to it.
log.cleaner.dedupe.buffer.size=16777216
PROPERTIES
  log4j_config "$home/log4j2.properties"
}

prepare() {
  local n p
  client_ports=()
  controller_ports=()
  for n in $(seq "$brokers"); do
    if [ -n "$port" ]; then p=$((port + n - 1)); else p=$(free_port); fi
    port_open "$p" && die "port $p is taken; give another with --port, or none to have one chosen"
    client_ports+=("$p")
    controller_ports+=("$(free_port)")
  done
  mkdir -p "$dir"
  for n in $(seq "$brokers"); do write_config "$n"; done
  local bootstrap
  bootstrap=$(printf '127.0.0.1:%s,' "${client_ports[@]}")
  printf 'bootstrap=%s\n' "${bootstrap%,}" >"$dir/env"
  # 22 characters of base64url: 16 random bytes
  head -c 16 /dev/urandom | base64 | tr '+/' 'ab' | cut -c 1-22 >"$dir/cluster-id"
}

start_broker() {
  local home=$dir/broker-$1
  local -a java=(java -cp "$KAFKA_LIBS/*" -Djava.awt.headless=true -Dlog4j2.configurationFile="file:$home/log4j2.properties")
  if [ ! -e "$home/data/meta.properties" ]; then
    "${java[@]}" kafka.tools.StorageTool format -t "$(cat "$dir/cluster-id")" -c "$home/server.properties" \
      >"$home/format.log" 2>&1 || die "formatting the storage failed; see $home/format.log"
  fi
  # A session of its own, so that ctrl-C in the caller's terminal does not reach the broker.
  "${new_session[@]}" "${java[@]}" -server -Xms256M -Xmx1G -XX:+UseG1GC -XX:MaxGCPauseMillis=20 \
    -XX:InitiatingHeapOccupancyPercent=35 -XX:+ExplicitGCInvokesConcurrent \
    kafka.Kafka "$home/server.properties" >>"$home/broker.log" 2>&1 </dev/null 9>&- &
  printf '%s\n' "$!" >"$home/pid"
}

# Waits until broker $1 has joined the cluster and serves clients.
await_broker() {
  local home=$dir/broker-$1 p deadline=$((SECONDS + START_TIMEOUT))
  p=$(sed -n 's/^advertised.listeners=.*:\([0-9]*\)$/\1/p' "$home/server.properties")
  until broker_answers "$p" && grep -q 'Kafka Server started' "$home/broker.log"; do
    broker_pid "$1" >/dev/null || { tail -n 20 "$home/broker.log" >&2; die "broker $1 ended while starting; its log is $home/broker.log"; }
    [ "$SECONDS" -lt "$deadline" ] || die "broker $1 did not answer within $START_TIMEOUT s; its log is $home/broker.log"
    sleep 0.2
  done
}

broker_count() { find "$dir" -maxdepth 2 -path '*/broker-*/server.properties' 2>/dev/null | wc -l; }

all_running() {
  [ -f "$dir/env" ] || return 1
  local n
  for n in $(seq "$(broker_count)"); do broker_pid "$n" >/dev/null || return 1; done
}

print_env() {
  cat "$dir/env"
  printf 'libs=%q\njava_plugins=%q\nkafka_dir=%q\n' "$KAFKA_LIBS" "$KAFKA_JAVA_PLUGINS" "$dir"
}

# One "up" or "down" at a time per folder. The lock file stays: removing it would let two callers hold two locks.
lock() {
  mkdir -p "$(dirname "$dir")"
  exec 9>"$dir.lock"
  if command -v flock >/dev/null; then flock 9; fi
}

up() {
  need_jars
  lock
  if ! all_running; then
    if [ -f "$dir/env" ]; then brokers=$(broker_count); else prepare; fi
    local n
    for n in $(seq "$brokers"); do
      if ! broker_pid "$n" >/dev/null; then
        [ ! -f "$dir/broker-$n/broker.log" ] || mv "$dir/broker-$n/broker.log" "$dir/broker-$n/broker.log.1"
        start_broker "$n"
      fi
    done
  fi
  local n
  for n in $(seq "$(broker_count)"); do await_broker "$n"; done
  print_env
}

down() {
  lock
  local n pid deadline
  local -a pids=()
  for n in $(seq "$(broker_count)"); do
    if pid=$(broker_pid "$n"); then pids+=("$pid"); kill -TERM "$pid"; fi
  done
  deadline=$((SECONDS + STOP_TIMEOUT))
  for pid in "${pids[@]}"; do
    while kill -0 "$pid" 2>/dev/null; do
      if [ "$SECONDS" -ge "$deadline" ]; then
        say "broker process $pid did not stop within $STOP_TIMEOUT s; killing it"
        kill -KILL "$pid" 2>/dev/null || true
      fi
      sleep 0.1
    done
  done
  # Only what "up" made: the folder may have been there before.
  if [ -z "$keep" ]; then
    rm -rf "$dir"/broker-[0-9] "$dir/env" "$dir/cluster-id"
    if [ -d "$dir" ]; then rmdir "$dir" 2>/dev/null || true; fi
  fi
}

status() {
  if all_running; then print_env; else
    say "no Kafka is running in $dir"
    return 1
  fi
}

command=${1:-}
[ $# -eq 0 ] || shift
case $command in
  up | down | status | jars) parse_options "$@" ;;
  -h | --help | help) usage; exit 0 ;;
  *) usage >&2; exit 1 ;;
esac
case $command in
  jars) need_jars; printf 'libs=%q\njava_plugins=%q\n' "$KAFKA_LIBS" "$KAFKA_JAVA_PLUGINS" ;;
  *) "$command" ;;
esac
