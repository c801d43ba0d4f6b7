#!/usr/bin/env bash
# Checks the form of the sources: a test (unit.style) that nothing has to be compiled for.
#   scripts/check_style.sh [CHECK…]   clang-format, shellcheck, layers, clang-tidy; all without a name
# clang-format and shellcheck read every file; clang-tidy, which takes seconds a file, the changed ones
# (scripts/check_tidy.py). A check whose tool is not installed says so and is skipped. BUILD: the build
# folder whose flags clang-tidy uses.
set -euo pipefail
case "${1:-}" in -h | --help) sed -n '2,6s/^# \{0,1\}//p' "$0" && exit 0 ;; esac
cd "$(dirname "$0")/.."
failed=()

skip() { echo "style: $1 skipped: $2"; }

check_clang_format() {
  command -v clang-format >/dev/null || { skip clang-format "it is not installed"; return 0; }
  find src include tests bench cmake -type f \( -name '*.cpp' -o -name '*.h' -o -name '*.cu' \) -print0 |
    xargs -0 clang-format --dry-run -Werror
}

check_shellcheck() {
  command -v shellcheck >/dev/null || { skip shellcheck "it is not installed"; return 0; }
  find scripts bench tests .ci -type f \( -name '*.sh' -o -path '.ci/run' \) -print0 | xargs -0 shellcheck
}

check_layers() { python3 scripts/check_layers.py; }

check_clang_tidy() {
  command -v clang-tidy >/dev/null || { skip clang-tidy "it is not installed"; return 0; }
  local build=${BUILD:-build} base
  [ -f "$build/compile_commands.json" ] || { skip clang-tidy "no $build/compile_commands.json"; return 0; }
  base=$(changed_since) || { skip clang-tidy "no git history to compare with"; return 0; }
  local -a changed
  mapfile -t changed < <({ git diff --name-only --diff-filter=d "$base" --
    git ls-files --others --exclude-standard; } | grep -E '^(src|include|tests|bench)/.*\.(cpp|h)$' | sort -u)
  [ ${#changed[@]} -gt 0 ] || { echo "style: clang-tidy: no C++ file changed since ${base:0:12}"; return 0; }
  python3 scripts/check_tidy.py --build "$build" --limit 50 "${changed[@]}"
}

# Where this branch left main; on main itself, the commit before.
changed_since() {
  local head base
  head=$(git rev-parse --verify --quiet HEAD 2>/dev/null) || return 1
  base=$(git merge-base HEAD origin/main 2>/dev/null) || base=$head
  if [ "$base" = "$head" ]; then base=$(git rev-parse --verify --quiet HEAD~1) || return 1; fi
  echo "$base"
}

all=(clang-format shellcheck layers clang-tidy)
[ $# -gt 0 ] || set -- "${all[@]}"
for check in "$@"; do
  case " ${all[*]} " in *" $check "*) ;; *)
    echo "error: unknown check '$check'; known: ${all[*]}" >&2
    exit 2
    ;;
  esac
  "check_${check//-/_}" || failed+=("$check")
done
[ ${#failed[@]} -eq 0 ] || { echo "style: failed: ${failed[*]}" >&2; exit 1; }
echo "style: ok"
