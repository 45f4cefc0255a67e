#!/usr/bin/env bash
# Measures our worker beside the Java worker and raw librdkafka loops: same input file, same broker, in turns.
#
#   scripts/bench.sh [--lines N] [--rounds N] [--format string|json|struct|chain] [--without-java] [--without-ours] [--write]
#   scripts/bench.sh connectors [--rows N] [--rounds N] [--format json|avro] [--parts PART,…] [--write]
#   scripts/bench.sh scale [--connectors N] [--tasks N] [--files N] [--without-java] [--write]
#
# string and json move lines of text, json with schemas; struct moves structs with JSON schemas, chain takes them through
# InsertField, ReplaceField and TimestampConverter as well.
#
# "connectors" runs JDBC source and sink on MariaDB and PostgreSQL, and the Redis sink, beside plain loops over the same
# drivers; it needs those servers installed (Debian: mariadb-server postgresql redis-server).
#
# "scale" runs many connectors at once and measures REST, memory and start instead of records.
#
# Prints Markdown tables with rates, CPU time, memory and ratios; --write also puts them into docs/benchmarks.md. The
# defaults (5 million lines of 99 bytes, 2 rounds) take about ten minutes and 3 GB of disk on a 2-core machine. Use a
# machine that does nothing else. Everything is built and a Kafka started and stopped, unless FERROCONNECT_TEST_BROKERS
# names one.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
built=${CARGO_TARGET_DIR:-$root/target}/release

arguments=()
command=run
ours=1
for argument in "$@"; do
  case $argument in
    -h | --help) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"; exit 0 ;;
    connectors | scale) command=$argument ;;
    --write) arguments+=(--write docs/benchmarks.md) ;;
    --without-ours) ours=; arguments+=("$argument") ;;
    *) arguments+=("$argument") ;;
  esac
done

if [ -n "$ours" ]; then
  cargo build --release --locked --workspace
  scripts/stage-plugins.sh "$built/plugins" --release >&2
else
  cargo build --release --locked -p ferroconnect-bench
fi

bootstrap=${FERROCONNECT_TEST_BROKERS:-}
if [ -z "$bootstrap" ]; then
  kafka_dir=$(mktemp -d)/kafka
  trap 'scripts/dev-kafka.sh down --dir "$kafka_dir"; rm -rf "$(dirname "$kafka_dir")"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  found=$(scripts/dev-kafka.sh up --dir "$kafka_dir")
  bootstrap=$(sed -n 's/^bootstrap=//p' <<<"$found")
fi
"$built/ferroconnect-bench" "$command" --bootstrap "$bootstrap" "${arguments[@]}"
