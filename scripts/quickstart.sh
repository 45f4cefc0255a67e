#!/usr/bin/env bash
# From a fresh clone to records in motion: builds Ferroconnect, lays its plugins out, and runs "ferroconnect quickstart".
#
#   scripts/quickstart.sh [options of "ferroconnect quickstart"]
#
# A file's lines go through a broker inside the process into another file, by way of the plugin libraries, while REST
# answers. No Kafka is needed. Needs a Rust tool chain, a C compiler, make and perl; the first build takes some minutes.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
case ${1:-} in
  -h | --help) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"; exit 0 ;;
esac

cd "$root"
built=${CARGO_TARGET_DIR:-$root/target}/release
cargo build --release --locked --workspace --exclude ferroconnect-e2e --exclude ferroconnect-bench
scripts/stage-plugins.sh "$built/plugins" --release
exec "$built/ferroconnect" quickstart --plugins "$built/plugins" "$@"
