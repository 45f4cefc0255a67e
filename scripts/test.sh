#!/usr/bin/env bash
# Builds everything and runs all tests, those against a real Kafka included, on a machine that never saw the project.
#
#   scripts/test.sh [arguments of "cargo test"]
#
# Needs a Rust tool chain, a C compiler, make and perl. Java, Maven, Redis and databases are installed with apt-get where
# that is possible; otherwise the script says what to install. Chromium, for the tests of the web page, and pip, for
# comparisons with a Python package, are installed too; where they cannot be, those tests are skipped. Kafka is fetched on
# the first run (scripts/dev-kafka.sh), started in a folder of its own and stopped at the end, however the run ends. With
# FERROCONNECT_TEST_BROKERS set, that cluster is used instead. Without arguments the end-to-end scenarios run once more on
# the Java worker, which proves the tests.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
case ${1:-} in
  -h | --help) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"; exit 0 ;;
esac
cd "$root"
built=${CARGO_TARGET_DIR:-$root/target}/release

step() { printf '\n== %s\n' "$*"; }

step "build"
# The tests with it: what they need of other crates would otherwise have most of it built a second time.
cargo build --release --locked --workspace --all-targets
scripts/stage-plugins.sh "$built/plugins" --release

step "start Kafka"
if [ -z "${FERROCONNECT_TEST_BROKERS:-}" ]; then
  kafka_dir=$(mktemp -d)/kafka
  trap 'scripts/dev-kafka.sh down --dir "$kafka_dir"; rm -rf "$(dirname "$kafka_dir")"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  found=$(scripts/dev-kafka.sh up --dir "$kafka_dir")
  FERROCONNECT_TEST_BROKERS=$(sed -n 's/^bootstrap=//p' <<<"$found")
else
  found=$(scripts/dev-kafka.sh jars)
fi
libs=''
eval "$(grep '^libs=' <<<"$found")"
export FERROCONNECT_TEST_BROKERS
export FERROCONNECT_KAFKA_LIBS=$libs # for the tests in which Java judges what we write

step "look for Redis, databases, Python and a browser"
have_redis() { command -v redis-server >/dev/null; }
have_databases() { command -v mariadbd >/dev/null && ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1; }
have_python() { python3 -m pip --version >/dev/null 2>&1; }
have_browser() { command -v chromium >/dev/null && command -v chromedriver >/dev/null; }

install() { # usage: install PACKAGE...; where that is possible, without starting services
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends \
      "$@"; } >/dev/null </dev/null || true
  fi
}
have_redis || install redis-server
have_redis || { printf 'redis-server is missing (Debian: redis-server)\n' >&2; exit 1; }
have_databases || install mariadb-server postgresql
have_databases || { printf 'MariaDB or PostgreSQL is missing (Debian: mariadb-server postgresql)\n' >&2; exit 1; }
have_python || install python3-pip
have_python || printf '!!! SKIPPED: comparisons with the serialisers of confluent-kafka; install pip (Debian: python3-pip)\n'
have_browser || install chromium chromium-driver fonts-dejavu-core
if have_browser; then
  export FERROCONNECT_BROWSER=required # so that the tests cannot be skipped by mistake
else
  printf '!!! SKIPPED: tests of the web page; install chromium and chromedriver (Debian: chromium chromium-driver)\n'
fi

status=0
if [ $# -eq 0 ]; then
  step "the same scenarios on the Java worker"
  FERROCONNECT_E2E_SUBJECT=java cargo test --release --locked --workspace \
    --test standalone_files --test rest_flows --test validation || status=$?
fi
step "all tests"
cargo test --release --locked --workspace --no-fail-fast "$@" || status=$?
[ "$status" = 0 ] || printf '\ntests failed; look for "FAILED" and "panicked" above\n'
exit "$status"
