#!/bin/sh
# Damages input for the worker for long, where the tests do it for a moment.
# Usage: scripts/fuzz.sh [cases per parser, default 200000]   the parsers and stages
#        scripts/fuzz.sh rest [seconds, default 600]          a worker's REST API; needs a Kafka (scripts/dev-kafka.sh up)
set -eu

cd "$(dirname "$0")/.."
if [ "${1:-}" = rest ]; then
  cargo build --release --workspace
  scripts/stage-plugins.sh "${CARGO_TARGET_DIR:-target}/release/plugins" --release
  export FERROCONNECT_FUZZ_SECONDS="${2:-600}"
  # Other choices each time; a failure tells the seed.
  export FERROCONNECT_FUZZ_SEED="${FERROCONNECT_FUZZ_SEED:-$(date +%s)}"
  exec cargo test --release -p ferroconnect-e2e --test rest_fuzz -- --nocapture
fi
export PROPTEST_CASES="${1:-200000}"
exec cargo test --release -p ferroconnect --test malformed_input --test malformed_data
