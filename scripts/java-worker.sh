#!/usr/bin/env bash
# Runs the Java Kafka Connect worker in standalone mode: the control for tests and benchmarks.
#
#   scripts/java-worker.sh WORKER.properties [CONNECTOR.properties | CONNECTOR.json …]
#
# The process becomes the worker itself, so its id, signals and exit status are those of Java. The log goes to standard
# error; standard output is left to the connectors. JVM options are those of Kafka's start script; KAFKA_HEAP_OPTS and
# KAFKA_OPTS work as there. The worker file's plugin.path should hold the java_plugins folder that
# "scripts/dev-kafka.sh jars" prints.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib/kafka.sh
. "$here/lib/kafka.sh"

case ${1:-} in
  '' | -h | --help) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"; exit 1 ;;
esac
need_jars
[ -f "$KAFKA_CACHE/worker-log4j2.properties" ] || log4j_config "$KAFKA_CACHE/worker-log4j2.properties"

IFS=' ' read -r -a heap <<<"${KAFKA_HEAP_OPTS:--Xms256M -Xmx2G}"
IFS=' ' read -r -a more <<<"${KAFKA_OPTS:-}"
exec java "${heap[@]}" -server -XX:+UseG1GC -XX:MaxGCPauseMillis=20 -XX:InitiatingHeapOccupancyPercent=35 \
  -XX:+ExplicitGCInvokesConcurrent -Djava.awt.headless=true \
  -Dlog4j2.configurationFile="file:$KAFKA_CACHE/worker-log4j2.properties" "${more[@]}" \
  -cp "$KAFKA_LIBS/*" org.apache.kafka.connect.cli.ConnectStandalone "$@"
