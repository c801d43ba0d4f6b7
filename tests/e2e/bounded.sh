# For the tests of bad inputs: expect_error within bounds. 10 seconds of processor time and 2 GiB of
# memory are what one mistake may cost; beyond them the program dies of a signal, and the check fails.
# shellcheck shell=bash disable=SC2154

mistakes=0 # so many were refused as they should

# What LibTorch reserves without using it is not counted: the limit is of data, not of addresses.
bounded() {
  (
    ulimit -t 10 -d 2097152
    if declare -F "$1" >/dev/null; then "$@"; else exec timeout 120 "$@"; fi
  )
}

# bad PATTERN COMMAND…: exit code 2 within those bounds, one line that matches PATTERN and is short.
bad() {
  local pattern=$1
  shift
  if [ -n "${SURVEY:-}" ]; then # to see all messages at once: SURVEY=1
    local code=0
    bounded "$@" >"$work/stdout" 2>"$work/stderr" </dev/null || code=$?
    grep -v ' info ' "$work/stderr" >"$work/messages" || true
    if [ "$code" -ne 2 ] || [ "$(wc -l <"$work/messages")" -ne 1 ] || ! grep -q -- "$pattern" "$work/messages"; then
      printf 'SURVEY %s [%s] %s\n   %s\n' "$code" "$pattern" "${*:2:4}" "$(head -c 400 "$work/messages")"
    fi
    checks=$((checks + 1))
    return
  fi
  expect_error 2 "$pattern" bounded "$@"
  [ "$(wc -c <"$work/messages")" -lt 2000 ] || die "a message of $(wc -c <"$work/messages") bytes: $*"
  mistakes=$((mistakes + 1))
}

# with_keys FILE 'JSON' >FILE2: the object with these keys, of which the last one counts.
with_keys() { # with_keys FILE KEYS
  sed -e '$!b' -e "s/}[[:space:]]*\$//" "$1"
  printf ', %s}\n' "$2"
}
