#!/usr/bin/env bash
# Sets up what the build needs: Debian/Ubuntu packages, and LibTorch 2.11 from PyPI into .venv.
#   scripts/setup.sh               LibTorch for the CPU (three wheels, about 580 MB)
#   scripts/setup.sh --cuda        LibTorch with everything that CUDA needs (about 5 GB)
#   scripts/setup.sh --torch DIR   your own LibTorch 2.11 (holds include/ and lib/); nothing from PyPI
#   scripts/setup.sh --tests       also what the tests need (GoogleTest)
#   scripts/setup.sh --no-packages what apt would install comes from elsewhere (conda, modules)
# Needs no root where the packages are there. Running it again does nothing that is already done.
set -euo pipefail
cd "$(dirname "$0")/.."

torch_version=2.11.0
packages=(build-essential cmake ninja-build pkg-config python3 python3-venv
  libsentencepiece-dev nlohmann-json3-dev libcli11-dev libspdlog-dev libyaml-cpp-dev
  libpcre2-dev libicu-dev zlib1g-dev libssl-dev libgloo-dev libjs-chart.js)
test_packages=(libgtest-dev libbenchmark-dev ccache)

cuda=false
with_packages=true
torch_dir=
while [ $# -gt 0 ]; do
  case "$1" in
    --cuda) cuda=true ;;
    --tests) packages+=("${test_packages[@]}") ;;
    --no-packages) with_packages=false ;;
    --torch)
      [ $# -ge 2 ] || { echo "error: --torch needs a folder" >&2; exit 2; }
      torch_dir=$2
      shift
      ;;
    -h | --help)
      sed -n '2,8s/^# \{0,1\}//p' "$0"
      exit 0
      ;;
    *)
      echo "error: unknown option '$1'; known: --cuda, --torch DIR, --tests, --no-packages" >&2
      exit 2
      ;;
  esac
  shift
done

fail() {
  echo "error: $1" >&2
  exit 2
}

install_packages() {
  local missing=() name
  command -v dpkg-query >/dev/null ||
    fail "no Debian or Ubuntu: install what docs/install.md lists, then add --no-packages"
  for name in "${packages[@]}"; do
    dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q 'install ok installed' ||
      missing+=("$name")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  local sudo=()
  if [ "$(id -u)" -ne 0 ]; then
    # With a terminal sudo may ask for the password.
    if command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
      sudo=(sudo)
    else
      fail "missing packages; as root: apt-get install -y ${missing[*]}"
    fi
  fi
  echo "setup: installing ${missing[*]}" >&2
  "${sudo[@]}" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get install -y -qq "${missing[@]}" >/dev/null
}

venv_has() { .venv/bin/python -c "import importlib.metadata as m, sys; sys.exit(m.version('$1') != '$2')" 2>/dev/null; }

install_torch() {
  [ -x .venv/bin/python ] || python3 -m venv .venv
  if $cuda; then
    if ! venv_has torch "$torch_version" || ! has_cuda_libraries; then
      echo "setup: LibTorch $torch_version with CUDA from PyPI" >&2
      .venv/bin/pip install --quiet "torch==$torch_version"
    fi
    return
  fi
  venv_has torch "$torch_version" && venv_has nvidia-cuda-runtime 13.0.96 &&
    venv_has nvidia-cuda-cupti 13.0.85 && return
  echo "setup: LibTorch $torch_version for the CPU from PyPI" >&2
  .venv/bin/pip install --quiet --no-deps "torch==$torch_version" nvidia-cuda-runtime==13.0.96 \
    nvidia-cuda-cupti==13.0.85
}

has_cuda_libraries() { compgen -G '.venv/lib/python3*/site-packages/nvidia/cu13/lib/libcublas.so*' >/dev/null; }

if $with_packages; then install_packages; fi
mkdir -p build
if [ -n "$torch_dir" ]; then
  [ -f "$torch_dir/lib/libtorch_cpu.so" ] || fail "--torch $torch_dir: no lib/libtorch_cpu.so there"
  realpath "$torch_dir" >build/torch_root
elif $cuda || ! [ -f "$(cat build/torch_root 2>/dev/null)/lib/libtorch_cpu.so" ]; then
  install_torch
  # They import the Python package, which needs typing_extensions and every CUDA library even to start:
  # here they can only fail.
  has_cuda_libraries || rm -f .venv/bin/torchrun .venv/bin/torchfrtrace
  realpath .venv/lib/python3*/site-packages/torch >build/torch_root
fi
echo "setup: LibTorch in $(cat build/torch_root)" >&2
