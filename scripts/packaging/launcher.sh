#!/bin/sh
# Starts unlearn with the LibTorch that it finds, the first of: --torch DIR, UNLEARN_TORCH, the torch package
# of the active Python environment (VIRTUAL_ENV, CONDA_PREFIX), that of python3 on the PATH, and the one it
# was built with. DIR holds lib/libtorch_cpu.so: a `torch` package's folder or an unpacked LibTorch.
set -u
wanted=2.11
advice="pip install torch==$wanted.0, or name its folder with --torch DIR or UNLEARN_TORCH"
program=$(readlink -f -- "$0")
root=${program%/*/*}

fail() {
  printf 'error: %s\n' "$1" >&2
  exit 2
}

named=${UNLEARN_TORCH:-}
name=UNLEARN_TORCH
left=$#
while [ "$left" -gt 0 ]; do
  argument=$1
  shift
  left=$((left - 1))
  case $argument in
    --torch)
      [ "$left" -gt 0 ] || fail "--torch: needs a folder"
      named=$1 name=--torch
      shift
      left=$((left - 1))
      ;;
    --torch=*) named=${argument#--torch=} name=--torch ;;
    *) set -- "$@" "$argument" ;;
  esac
done

version_of() { # of a LibTorch folder: "2.11.0"
  if [ -f "$1/version.py" ]; then
    sed -n "s/^__version__ = '\([0-9.]*\).*/\1/p" "$1/version.py"
  elif [ -f "$1/build-version" ]; then
    sed -n '1s/^\([0-9.]*\).*/\1/p' "$1/build-version"
  fi
}

other= # a LibTorch of another version that was met on the way
is_right() {
  [ -f "$1/lib/libtorch_cpu.so" ] || return 1
  case $(version_of "$1") in
    "$wanted" | "$wanted".*) return 0 ;;
  esac
  [ -n "$other" ] || other="; $1 is $(version_of "$1")"
  return 1
}

find_torch() {
  for prefix in "${VIRTUAL_ENV:-}" "${CONDA_PREFIX:-}"; do
    [ -n "$prefix" ] || continue
    for torch in "$prefix"/lib/python3*/site-packages/torch; do
      is_right "$torch" && return
    done
  done
  torch=$(python3 -c 'import importlib.util as u; s = u.find_spec("torch"); print(s.submodule_search_locations[0])' 2>/dev/null) &&
    is_right "$torch" && return
  [ -f "$root/lib/unlearn/torch_root" ] && torch=$(cat "$root/lib/unlearn/torch_root") && is_right "$torch" && return
  fail "LibTorch $wanted not found$other: $advice"
}

if [ -n "$named" ]; then
  torch=$named
  [ -f "$torch/lib/libtorch_cpu.so" ] || fail "$name: $torch holds no lib/libtorch_cpu.so; $advice"
  is_right "$torch" || fail "$name: $torch is not LibTorch $wanted${other#"; $torch"}; $advice"
else
  find_torch
fi
LD_LIBRARY_PATH=$torch/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export LD_LIBRARY_PATH
exec "$root/libexec/unlearn" "$@"
