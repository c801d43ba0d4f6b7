# Shared by the scripts of this folder: the program, settings of the bundled models, audits.
# shellcheck shell=bash
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
unlearn=${UNLEARN:-$here/build/unlearn}

fail() {
  echo "error: $1" >&2
  exit 2
}

[ -x "$unlearn" ] || fail "$unlearn is not built (scripts/build.sh), or set UNLEARN to the program"
unlearn=$(cd "$(dirname "$unlearn")" && pwd)/$(basename "$unlearn")

done_already() { grep -qs '"status": "done"' "$1/run.json"; } # done_already RUN

# `settings`: what a small search found for the bundled model. Plain GA has no retain term and must stop
# early.
bundled_settings() { # bundled_settings METHOD [SHARE of its epochs]
  local epochs=20
  settings=()
  case "$1" in
    ga) epochs=3 ;;
    grad_diff) epochs=10 settings=(--set method.forget_weight=0.2) ;;
    simnpo) settings=(--beta 0.5 --set method.forget_weight=0.25) ;;
    rmu) settings=(--set method.layer=2 --set method.steering_coeff=4) ;;
  esac
  settings+=(--epochs "$(awk -v e=$epochs -v share="${2:-1}" 'BEGIN { print e * share }')")
}

# An audit into RESULT (a file), and what it cost beside it. Audits of models with the same original or
# retain model share CELLS: what was measured of those is not measured again.
audit_into() { # audit_into RESULT CELLS FLAG…
  [ ! -f "$1" ] || return 0
  "$unlearn" audit "${@:3}" --output "$2" --log-level error >/dev/null
  cp "$2/costs.json" "${1%.json}.costs.json"
  cp "$2/audit.json" "$1"
}
