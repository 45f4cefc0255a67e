#!/bin/sh
# Damages input for the worker's parsers for long, where the tests do it for a moment.
# Usage: scripts/fuzz.sh [cases per parser, default 200000]
set -eu

cd "$(dirname "$0")/.."
export PROPTEST_CASES="${1:-200000}"
exec cargo test --release -p ferroconnect --test malformed_input --test malformed_data
