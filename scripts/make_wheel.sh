#!/usr/bin/env bash
# Makes a Python wheel of the built program: dist/unlearn-VERSION-py3-none-manylinux_…_x86_64.whl, for
# people who have torch 2.11 in an environment and neither root nor a compiler. It holds the native program,
# the libraries that it needs beyond LibTorch and the C and C++ runtimes, configs, bundled data and a launcher.
#   scripts/make_wheel.sh [OUTPUT (default dist)]     BUILD: the build folder (default build)
set -euo pipefail
case "${1:-}" in -h | --help) sed -n '2,5s/^# \{0,1\}//p' "$0" && exit 0 ;; esac
cd "$(dirname "$0")/.."
output=${1:-dist}
build=${BUILD:-build}
[ -x "$build/unlearn" ] || { echo "error: no $build/unlearn: run scripts/build.sh first" >&2; exit 2; }
version=$(sed -n 's/^project(unlearn VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for component in program libraries archive; do
  cmake --install "$build" --component "$component" --prefix "$work/installed" --strip >"$work/install.log" ||
    { cat "$work/install.log" >&2; exit 1; }
done

# Besides the package: what shells and man look for below the environment's share/.
package=$work/wheel/unlearn
info=$work/wheel/unlearn-$version.dist-info
data=$work/wheel/unlearn-$version.data/data/share
mkdir -p "$package/share" "$info" "$data"
mv "$work/installed"/{libexec,lib} "$package"
mv "$work/installed/share/unlearn" "$package/share"
mv "$work/installed/share/doc/unlearn"/* "$info"
rmdir "$work/installed/share/doc/unlearn" "$work/installed/share/doc"
mv "$work/installed/share"/* "$data"
# A wheel knows no links: a library keeps the name that it is asked for by.
find "$package/lib" -type l | while read -r link; do mv "$(realpath "$link")" "$link"; done
cp scripts/packaging/launcher.py "$package/__main__.py"
touch "$package/__init__.py"

# The oldest C library, and that of the oldest distribution with a C++ library as new, that all files ask for.
needed() {
  find "$package/libexec" "$package/lib" -type f -exec objdump -T {} + | grep -o "\b$1_[0-9.]*" | sort -uV | tail -1
}
glibc=$(needed GLIBC)
glibc=${glibc#GLIBC_2.}
case $(needed GLIBCXX) in
  GLIBCXX_3.4.30) [ "$glibc" -ge 35 ] || glibc=35 ;;
  GLIBCXX_3.4.31) [ "$glibc" -ge 38 ] || glibc=38 ;;
  GLIBCXX_3.4.3[2-9]) [ "$glibc" -ge 39 ] || glibc=39 ;;
esac
tag=py3-none-manylinux_2_${glibc}_$(uname -m)

cat >"$info/WHEEL" <<END
Wheel-Version: 1.0
Generator: make_wheel
Root-Is-Purelib: false
Tag: $tag
END
cat >"$info/METADATA" <<END
Metadata-Version: 2.1
Name: unlearn
Version: $version
Summary: makes language models forget chosen data and keep the rest
License: Apache-2.0
Requires-Python: >=3.9
Provides-Extra: torch
Requires-Dist: torch==2.11.*; extra == "torch"
Description-Content-Type: text/markdown

$(cat README.md)
END
printf '[console_scripts]\nunlearn = unlearn.__main__:main\n' >"$info/entry_points.txt"

mkdir -p "$output"
wheel=$output/unlearn-$version-$tag.whl
python3 - "$work/wheel" "$wheel" "unlearn-$version.dist-info/RECORD" <<'PYTHON'
import base64
import hashlib
import pathlib
import sys
import zipfile

folder, wheel, record = sys.argv[1:]
folder = pathlib.Path(folder)
lines = []


def entry(name: str, mode: int) -> zipfile.ZipInfo:
    """Of one file: the same bytes whenever the same contents are packed."""
    info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    info.external_attr = mode << 16
    info.compress_type = zipfile.ZIP_DEFLATED
    return info


with zipfile.ZipFile(wheel, "w") as archive:
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        name = path.relative_to(folder).as_posix()
        content = path.read_bytes()
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        lines.append(f"{name},sha256={digest},{len(content)}\n")
        archive.writestr(entry(name, path.stat().st_mode), content)
    archive.writestr(entry(record, 0o100644), "".join(lines) + f"{record},,\n")
PYTHON
echo "$wheel"
