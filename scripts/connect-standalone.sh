#!/usr/bin/env bash
# Runs a standalone worker with the arguments of Kafka's script of this name.
#
#   connect-standalone.sh [-daemon] [-name NAME] WORKER.properties [CONNECTOR.properties | CONNECTOR.json …]
#
# The process becomes the worker, so its id, signals and exit status are the worker's. With -daemon it goes on in the
# background, its log in $LOG_DIR/NAME.out (LOG_DIR: the folder "logs" above this script's; NAME: connectStandalone).
# EXTRA_ARGS holds further options, as for Kafka's script. KAFKA_OPTS works for the login configuration of REST users.
# The program is $FERROCONNECT_BIN, else "ferroconnect" beside this script, in the build folder, or in PATH.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

usage() { sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}" >&2; exit 1; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# EXTRA_ARGS is split at blanks, as Kafka's script does, and comes before the arguments.
IFS=' ' read -r -a extra <<<"${EXTRA_ARGS:-}"
set -- ${extra[@]+"${extra[@]}"} "$@"

daemon=
name=connectStandalone
ignored=()
while [ $# -gt 0 ]; do
  case $1 in
    -daemon) daemon=yes; shift ;;
    -name) [ $# -ge 2 ] || usage; name=$2; shift 2 ;;
    -loggc) ignored+=("$1"); shift ;;
    -*) usage ;;
    *) break ;;
  esac
done
[ $# -ge 1 ] || usage

program() {
  if [ -n "${FERROCONNECT_BIN:-}" ]; then
    [ -x "$FERROCONNECT_BIN" ] || die "FERROCONNECT_BIN=$FERROCONNECT_BIN is not a program"
    printf '%s\n' "$FERROCONNECT_BIN"
    return
  fi
  local file
  for file in "$here/ferroconnect" "${CARGO_TARGET_DIR:-$here/../target}/release/ferroconnect"; do
    if [ -f "$file" ] && [ -x "$file" ]; then
      printf '%s\n' "$file"
      return
    fi
  done
  command -v ferroconnect || die "there is no program ferroconnect in $here or in PATH; set FERROCONNECT_BIN to its path"
}
program=$(program)

for variable in KAFKA_HEAP_OPTS KAFKA_JVM_PERFORMANCE_OPTS KAFKA_GC_LOG_OPTS KAFKA_JMX_OPTS JMX_PORT KAFKA_LOG4J_OPTS; do
  [ -z "${!variable:-}" ] || ignored+=("$variable")
done
[ ${#ignored[@]} -eq 0 ] || printf '%s: ignored, because they are for a Java worker: %s\n' "${0##*/}" "${ignored[*]}" >&2

if [ -z "$daemon" ]; then
  exec "$program" standalone "$@"
fi
logs=${LOG_DIR:-$here/../logs}
mkdir -p "$logs"
nohup "$program" standalone "$@" </dev/null >"$logs/$name.out" 2>&1 &
printf 'worker %s started; its log is %s\n' "$!" "$logs/$name.out"
