#!/usr/bin/env bash
# Installs what the build needs: Debian/Ubuntu packages, and LibTorch 2.11 from PyPI into .venv.
#   scripts/setup.sh              LibTorch for the CPU (three wheels, about 580 MB)
#   scripts/setup.sh --cuda       LibTorch with everything that CUDA needs (about 5 GB)
#   scripts/setup.sh --torch DIR  your own LibTorch 2.11 (holds include/ and lib/); nothing from PyPI
# Running it again does nothing that is already done.
set -euo pipefail
cd "$(dirname "$0")/.."

torch_version=2.11.0
packages=(build-essential cmake ninja-build ccache pkg-config python3 python3-venv
  libsentencepiece-dev nlohmann-json3-dev libcli11-dev libspdlog-dev libyaml-cpp-dev libgtest-dev
  libbenchmark-dev libpcre2-dev libicu-dev zlib1g-dev libssl-dev libgloo-dev libjs-chart.js)

cuda=false
torch_dir=
while [ $# -gt 0 ]; do
  case "$1" in
    --cuda) cuda=true ;;
    --torch)
      [ $# -ge 2 ] || { echo "error: --torch needs a folder" >&2; exit 2; }
      torch_dir=$2
      shift
      ;;
    -h | --help)
      sed -n '2,6s/^# \{0,1\}//p' "$0"
      exit 0
      ;;
    *)
      echo "error: unknown option '$1'; known: --cuda, --torch DIR" >&2
      exit 2
      ;;
  esac
  shift
done

install_packages() {
  local missing=() name
  for name in "${packages[@]}"; do
    dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q 'install ok installed' ||
      missing+=("$name")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  echo "setup: installing ${missing[*]}" >&2
  local sudo=()
  [ "$(id -u)" -eq 0 ] || sudo=(sudo)
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

install_packages
if [ -n "$torch_dir" ]; then
  [ -f "$torch_dir/lib/libtorch_cpu.so" ] ||
    { echo "error: --torch $torch_dir: no lib/libtorch_cpu.so there" >&2; exit 2; }
  mkdir -p build
  realpath "$torch_dir" >build/torch_root
else
  install_torch
  # They import the Python package, which needs typing_extensions and every CUDA library even to start:
  # here they can only fail.
  has_cuda_libraries || rm -f .venv/bin/torchrun .venv/bin/torchfrtrace
  mkdir -p build
  realpath .venv/lib/python3*/site-packages/torch >build/torch_root
fi
echo "setup: LibTorch in $(cat build/torch_root)" >&2
