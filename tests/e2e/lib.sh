# Shared by the end-to-end tests: run the program as a user would, and check what comes back.
# Arguments of every test: the program, the source tree, the folder with public data.
# shellcheck shell=bash
set -euo pipefail
# shellcheck disable=SC2034
unlearn=$1
# shellcheck disable=SC2034
source_dir=$2
# shellcheck disable=SC2034
shared_dir=${3:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# A command that fails where no check expects it.
trap 'echo "FAILED: line $LINENO: $BASH_COMMAND: $(tail -n 5 "$work/last.log" 2>/dev/null)" >&2' ERR
checks=0

die() {
  echo "FAILED: $*" >&2
  exit 1
}

# expect_error CODE PATTERN COMMAND…: exit code CODE, exactly one line on stderr matching PATTERN.
expect_error() {
  local code=$1 pattern=$2 got=0
  shift 2
  "$@" >"$work/stdout" 2>"$work/stderr" </dev/null || got=$?
  [ "$got" -eq "$code" ] || die "exit code $got, not $code: $* ($(cat "$work/stderr"))"
  grep -v ' info ' "$work/stderr" >"$work/messages" || true
  [ "$(wc -l <"$work/messages")" -eq 1 ] || die "not one line: $*: $(cat "$work/messages")"
  grep -q -- "$pattern" "$work/messages" || die "'$pattern' not in: $(cat "$work/messages") [$*]"
  checks=$((checks + 1))
}

expect() { # expect DESCRIPTION COMMAND…
  local what=$1
  shift
  "$@" || die "$what"
  checks=$((checks + 1))
}

# Of a run folder: its weights' hash, and how it ended.
weights() { sha256sum <"$1/model/model.safetensors"; }
status() { grep -o '"status": *"[a-z]*"' "$1/run.json"; }
