#!/usr/bin/env bash
# Makes a crate for a new plugin, outside this repository, which builds and passes its acceptance test at once.
#
#   scripts/new-plugin.sh NAME KIND [--dir DIR] [--sdk PATH]
#
# KIND is source, sink, transform, predicate, converter, header-converter or config-provider.
# NAME is the name of the crate, in lower case with hyphens: the class is named after it (my-files becomes MyFiles).
# The crate is made in DIR/NAME; DIR is the current folder unless told otherwise, and has to lie outside this repository.
# PATH is where the SDK lies: the folder plugin-sdk of this repository unless told otherwise.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

usage() { sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}" >&2; exit 1; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

name='' kind='' dir=. sdk=$root/plugin-sdk
while [ $# -gt 0 ]; do
  case $1 in
    --dir | --sdk) [ $# -ge 2 ] || usage; declare "${1#--}=$2"; shift 2 ;;
    -*) usage ;;
    *)
      if [ -z "$name" ]; then name=$1; elif [ -z "$kind" ]; then kind=$1; else usage; fi
      shift ;;
  esac
done
[ -n "$kind" ] || usage

case $name in
  source | sink | transform | predicate | converter | header-converter | config-provider)
    die "the name comes first and then the kind: ${0##*/} $kind $name" ;;
esac
[[ $name =~ ^[a-z][a-z0-9]*(-[a-z0-9]+)*$ ]] ||
  die "'$name' is no name for a crate; use lower-case letters, digits and single hyphens, such as my-files"
case $kind in
  source | sink | transform | predicate | converter | header-converter | config-provider) ;;
  *) die "'$kind' is no kind of plugin; use source, sink, transform, predicate, converter, header-converter or config-provider" ;;
esac
[ -f "$sdk/Cargo.toml" ] || die "there is no SDK at $sdk; say where it is with --sdk PATH"
sdk=$(cd "$sdk" && pwd)
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
case $dir/ in
  "$root"/*) die "$dir lies inside this repository; choose a folder outside it with --dir DIR" ;;
esac
crate=$dir/$name
[ ! -e "$crate" ] || die "$crate exists already"

type=
IFS=- read -ra words <<<"$name"
for word in "${words[@]}"; do type+=$(tr '[:lower:]' '[:upper:]' <<<"${word:0:1}")${word:1}; done
sdk_in_sed=$(sed 's/[\&|]/\\&/g' <<<"$sdk")

# Copies a template to a file of the crate, with its placeholders filled in.
fill() {
  mkdir -p "$(dirname "$crate/$2")"
  sed -e "s|@NAME@|$name|g" -e "s|@CRATE@|${name//-/_}|g" -e "s|@TYPE@|$type|g" -e "s|@KIND@|${kind//-/ }|g" \
    -e "s|@SDK@|$sdk_in_sed|g" "$root/plugin-sdk/templates/$1" >"$crate/$2"
}

fill common/Cargo.toml.in Cargo.toml
fill common/README.md.in README.md
fill common/gitignore.in .gitignore
fill "$kind/src/lib.rs.in" src/lib.rs
fill "$kind/tests/acceptance.rs.in" tests/acceptance.rs
example=$(basename "$root/plugin-sdk/templates/$kind"/examples/NAME.*.in .in)
fill "$kind/examples/$example.in" "examples/$name.${example#NAME.}"

cat <<END
Made the ${kind//-/ } $type in $crate. Next:
  cd $crate
  cargo test
  cargo build --release
docs/plugin-author-guide.md tells how to go on.
END
