#!/usr/bin/env bash
# What people get: an installed tree, an archive, a Debian package and a wheel, each unpacked elsewhere, find
# LibTorch where they say, bring along what their presets name, and run the quickstart's job to its bits.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
build=$(cd "$(dirname "$unlearn")" && pwd)
if ! command -v cmake >/dev/null || [ ! -f "$build/CMakeCache.txt" ]; then
  echo "skipped: $unlearn is not in its build folder"
  exit 0
fi
if grep -qE '^UNLEARN_(ASAN|TSAN):BOOL=ON' "$build/CMakeCache.txt"; then
  echo "skipped: a sanitizer's program is no package"
  exit 0
fi
cached() { sed -n "s/^$1:[A-Z]*=//p" "$build/CMakeCache.txt"; }
torch=$(cached Torch_ROOT)
# By MKL's products, wherever it runs (docs/performance.md).
quickstart=246ffa59759d599c173cb84d6c64a19751df0b002c6ba3be7457ec3f688eee8d
# The CUDA kernels are part of a package where they were built.
if [ "$(cached UNLEARN_CUDA)" = ON ] && grep -q 'libunlearn_cuda' "$build/build.ninja" &&
  [ ! -f "$build/libunlearn_cuda.so" ]; then
  echo "skipped: libunlearn_cuda.so is not built"
  exit 0
fi
cd "$work"
version=$("$unlearn" --version)
bare=(env -i "HOME=$work" PATH=/usr/bin:/bin OMP_NUM_THREADS=1 UNLEARN_CPU_PRODUCTS=mkl) # an environment without hints

# An environment whose torch has another version, and one whose torch is right.
site() { echo "$1/lib/python3.11/site-packages"; }
mkdir -p "$(site old)/torch/lib" "$(site new)"
touch "$(site old)/torch/lib/libtorch_cpu.so"
echo "__version__ = '2.9.1+cpu'" >"$(site old)/torch/version.py"
ln -s "$torch" "$(site new)/torch"
[ -d "$torch/../nvidia" ] && ln -s "$(realpath "$torch/../nvidia")" "$(site new)/nvidia"

# starts DESCRIPTION ENVIRONMENT… -- ARGUMENT…: prints the version.
starts() {
  local what=$1 environment=()
  shift
  while [ "$1" != -- ]; do environment+=("$1") && shift; done
  shift
  expect "$what" test "$("${bare[@]}" "${environment[@]}" "$program" "$@" 2>&1)" = "$version"
}
finds_torch() { # finds_torch PROGRAM: in every place that the launcher names
  program=$1
  starts "--torch DIR" -- --torch "$torch" --version
  starts "--torch=DIR at the end" -- --version "--torch=$torch"
  starts "UNLEARN_TORCH" "UNLEARN_TORCH=$torch" -- --version
  starts "an active environment" "VIRTUAL_ENV=$work/new" -- --version
  starts "an active conda environment" "CONDA_PREFIX=$work/new" -- --version
  starts "past another version" "VIRTUAL_ENV=$work/old" "CONDA_PREFIX=$work/new" -- --version
  expect_error 2 "LibTorch 2.11 not found: pip install torch==2.11.0, or name its folder with --torch" \
    "${bare[@]}" "$program" --version
  expect_error 2 "not found; $work/old/.*/torch is 2.9.1: pip install" "${bare[@]}" "VIRTUAL_ENV=$work/old" "$program"
  expect_error 2 "^error: --torch: $(site "$work/old")/torch is not LibTorch 2.11 is 2.9.1; pip install" \
    "${bare[@]}" "$program" --torch "$(site "$work/old")/torch"
  expect_error 2 "UNLEARN_TORCH: /nowhere holds no lib/libtorch_cpu.so" "${bare[@]}" UNLEARN_TORCH=/nowhere "$program"
  expect_error 2 "^error: --torch: needs a folder" "${bare[@]}" "$program" --version --torch
}
has_all() { # has_all TREE ZSH_FOLDER: what is in every package
  local file
  for file in share/unlearn/configs/tofu.yaml share/unlearn/data/tiny/model.safetensors share/unlearn/data/benign.txt \
    share/doc/unlearn/README.md share/doc/unlearn/docs/methods.md share/bash-completion/completions/unlearn \
    share/fish/vendor_completions.d/unlearn.fish "$2/_unlearn" share/man/man1/unlearn.1.gz; do
    expect "$1 has $file" test -s "$1/$file"
  done
  expect "no path of the builder in $1" bash -c "! grep -rlF '$build' '$1'"
}

# cmake --install
for component in program libraries archive; do
  cmake --install "$build" --component $component --prefix "$work/tree" >last.log 2>&1
done
has_all tree share/zsh/site-functions
expect "the licence" test -s tree/share/doc/unlearn/LICENSE
expect "the licences of what is bundled" test -s tree/share/doc/unlearn/licenses/libyaml-cpp0.7
ln -s "$work/tree/bin/unlearn" linked
finds_torch "$work/linked"
expect "the libraries are its own" bash -c "LD_LIBRARY_PATH=$torch/lib ldd tree/libexec/unlearn | grep -c '$work/tree/libexec/../lib/unlearn' >count"
expect "at least seven: $(cat count)" test "$(cat count)" -ge 7
mkdir elsewhere
(cd elsewhere && "${bare[@]}" "UNLEARN_TORCH=$torch" ../linked --method simnpo --config quickstart --output run \
  --quiet >/dev/null)
expect "the quickstart's bits" test "$(weights elsewhere/run)" = "$quickstart  -"
expect "its data are the bundled ones" grep -q "path: $work/tree/share/unlearn/data/tiny" elsewhere/run/config.resolved.yaml
expect "several processes" bash -c "cd elsewhere && ${bare[*]} UNLEARN_TORCH=$torch ../linked --method simnpo \
  --config quickstart --output two --quiet --nproc 2 --set train.max_steps=2 --set train.warmup_epochs=0 >/dev/null"

# The manual page and the completions are read by those who read them.
if command -v man >/dev/null && man --version >/dev/null 2>&1; then
  LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings=w -l tree/share/man/man1/unlearn.1.gz >page.txt 2>page.err || die "man: $(cat page.err)"
  expect "roff has nothing to say: $(cat page.err)" test ! -s page.err
fi
expect "bash completes" test "$(bash -c '. tree/share/bash-completion/completions/unlearn && complete -p unlearn')" = \
  "complete -F _unlearn unlearn"

# cpack: the archive is that tree; the package has Debian's libraries instead.
(cd "$build" && cpack -B "$work/packed") >last.log 2>&1
tar xzf packed/unlearn-*.tar.gz
expect "the same files" diff <(cd tree && find . ! -type d | sort) <(cd unlearn-*/ && find . ! -type d | sort)
if command -v dpkg-deb >/dev/null; then
  dpkg-deb -x packed/unlearn_*.deb package
  has_all package/usr share/zsh/vendor-completions
  expect "no library of Debian's" test ! -e package/usr/lib/unlearn/libyaml-cpp.so.0.7
  expect "it depends on it" grep -q libyaml-cpp <(dpkg-deb -f packed/unlearn_*.deb Depends)
  program=$work/package/usr/bin/unlearn
  starts "the package" "UNLEARN_TORCH=$torch" -- --version
fi
if command -v lintian >/dev/null; then
  # Nobody's address is known here (cmake/Install.cmake), no bug is closed by a first version, and cpack calls ldconfig.
  lintian --allow-root packed/unlearn_*.deb >lintian.out 2>/dev/null || true
  expect "lintian: $(cat lintian.out)" test -z "$(grep -vE 'bogus-mail-host|initial-upload-closes-no-bugs|maintscript-calls-ldconfig' lintian.out)"
fi

# The wheel, in an environment of its own: torch beside it, missing, and of another version.
wheel=$(BUILD=$build "$source_dir/scripts/make_wheel.sh" "$work/dist")
expect "its name says what it runs on: $wheel" grep -qE '/unlearn-[0-9.]+-py3-none-manylinux_2_[0-9]+_[a-z0-9_]+\.whl$' <<<"$wheel"
cp "$wheel" again.whl
BUILD=$build "$source_dir/scripts/make_wheel.sh" "$work/dist" >/dev/null
expect "made again, it has the same bytes" cmp "$wheel" again.whl
if python3 -m venv venv 2>/dev/null; then
  venv/bin/pip install --quiet --no-index --disable-pip-version-check "$wheel" 2>last.log
  packages=$(echo venv/lib/python3*/site-packages)
  expect_error 2 "^error: unlearn needs torch 2.11, and .* has none: pip install torch==2.11.0" venv/bin/unlearn
  cp -r "$(site old)/torch" "$packages"
  expect_error 2 "has 2.9.1: pip install torch==2.11.0" venv/bin/unlearn --version
  rm -r "$packages/torch"
  ln -s "$torch" "$packages/torch"
  [ -d "$torch/../nvidia" ] && ln -s "$(realpath "$torch/../nvidia")" "$packages/nvidia"
  expect "its version" test "$("${bare[@]}" venv/bin/unlearn --version)" = "$version"
  expect "as a module" test "$("${bare[@]}" venv/bin/python -m unlearn --version)" = "$version"
  (cd elsewhere && "${bare[@]}" ../venv/bin/unlearn --method simnpo --config quickstart --output wheel --quiet >/dev/null)
  expect "the quickstart's bits from the wheel" test "$(weights elsewhere/wheel)" = "$quickstart  -"
  expect_error 2 "unknown command 'nope'" "${bare[@]}" venv/bin/unlearn nope
  expect "the manual page" test -s venv/share/man/man1/unlearn.1.gz
  venv/bin/pip uninstall --quiet --yes unlearn
  expect "nothing stays" test ! -e "$packages/unlearn"
fi
echo "package: $checks checks passed"
