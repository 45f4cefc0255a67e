#!/usr/bin/env bash
# Copies every built plugin library into a folder laid out as a plugin path.
#
#   scripts/stage-plugins.sh DIR [--release]
#
# DIR/<plugin>/ gets the library, its README with the pages beside it, and its examples, one folder for each crate under
# plugins/ that builds a shared library. Build first: cargo build [--release] --workspace. Other things in DIR are left
# alone. A library is put in place by renaming, so a worker that has the old one loaded keeps it whole.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

usage() { sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}" >&2; exit 1; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

dir=
profile=debug
build='cargo build --workspace'
for argument in "$@"; do
  case $argument in
    --release) profile=release; build+=' --release' ;;
    -*) usage ;;
    *) [ -z "$dir" ] || usage; dir=$argument ;;
  esac
done
[ -n "$dir" ] || usage

case $(uname -s) in
  Darwin) prefix=lib suffix=dylib ;;
  MINGW* | MSYS* | CYGWIN*) prefix='' suffix=dll ;;
  *) prefix=lib suffix=so ;;
esac
built=${CARGO_TARGET_DIR:-$root/target}/$profile

# The name of a crate's library: its [lib] name, or its package name with underscores.
library_name() {
  awk -F '"' '
    /^\[/ { section = $0 }
    /^name *=/ && section == "[lib]" { lib = $2 }
    /^name *=/ && section == "[package]" { package = $2 }
    END { gsub("-", "_", package); print lib != "" ? lib : package }
  ' "$1"
}

count=0
for manifest in "$root"/plugins/*/Cargo.toml; do
  grep -q '^crate-type *=.*"cdylib"' "$manifest" || continue
  crate=$(dirname "$manifest")
  name=$(basename "$crate")
  library=$prefix$(library_name "$manifest").$suffix
  [ -f "$built/$library" ] || die "$built/$library does not exist; build it with: $build"
  mkdir -p "$dir/$name"
  cp "$built/$library" "$dir/$name/.$library.new"
  mv -f "$dir/$name/.$library.new" "$dir/$name/$library"
  [ ! -f "$crate/README.md" ] || cp "$crate"/*.md "$dir/$name/"
  [ ! -d "$crate/examples" ] || cp -R "$crate/examples" "$dir/$name/"
  count=$((count + 1))
done
[ "$count" -gt 0 ] || die "there is no plugin crate under $root/plugins"
printf 'staged %d plugins in %s\n' "$count" "$dir"
