#!/usr/bin/env python3
"""clang-tidy, with the checks of .clang-tidy, on single files or on everything.

    check_tidy.py FILE…    these sources; a header is checked through the source of its name
    check_tidy.py --all    the whole program, unit by unit (many minutes)
    options: --build DIR (default: build), --jobs N (default: 2)
             --limit SECONDS: no file is started or waited for after that; what was left out is named

The build compiles several sources as one unit (unity build), so compile_commands.json does not know
them: a source takes the flags of the unit that includes it. What clang alone cannot compile (GCC can: the
build is the proof) is left out, and said. Exit code 1 when clang-tidy found anything.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDED = re.compile(r'^#include "(/[^"]+\.cpp)"', re.M)

FINDING = re.compile(r": (?:error|warning): .* \[([\w.,-]+)\]$", re.M)
UNREADABLE = "clang does not compile it"


def clang_flags(command: str) -> list:
    """A compile command without compiler, input, output, and what clang does not know of GCC."""
    flags, skip = [], False
    words = shlex.split(command)[1:]
    for word, after in zip(words, words[1:] + [""]):
        if skip:
            skip = False
        elif word in ("-o", "-c") or (word == "-include" and after.endswith("cmake_pch.hxx")):
            skip = True  # a precompiled header of GCC; every file includes what it uses
        elif word not in ("-Winvalid-pch", "-Werror"):
            flags.append(word)
    return flags + ["-Wno-everything"]  # warnings are the compiler's part


def read_units(build: pathlib.Path) -> dict:
    """Unit of the build -> (its flags, the sources in it)."""
    units = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        unit = pathlib.Path(entry["file"])
        if unit.suffix not in (".cpp", ".cxx") or unit.name.startswith("cmake_pch"):
            continue
        is_unity = unit.parent.name == "Unity"
        sources = [pathlib.Path(name) for name in INCLUDED.findall(unit.read_text())] if is_unity else [unit]
        units[unit] = (clang_flags(entry["command"]), sources)
    return units


def source_of(path: pathlib.Path, known: dict) -> pathlib.Path | None:
    """The source that a changed file is checked through; none for a header without one."""
    if path in known:
        return path
    if path.suffix != ".h":
        return None
    folder = path.relative_to(ROOT).parts
    layer = folder[2] if folder[0] == "include" else folder[1]
    same_name = [s for s in known if s.stem == path.stem and layer in s.relative_to(ROOT).parts]
    return same_name[0] if same_name else None


def chosen_jobs(arguments: argparse.Namespace) -> tuple:
    """(file to check, its flags) in the order of their cost, and names of what cannot be checked."""
    units = read_units((ROOT / arguments.build).resolve())
    if arguments.all:
        return [(unit, flags) for unit, (flags, _) in units.items()], []
    flags_of = {s: flags for flags, sources in units.values() for s in sources if s.is_relative_to(ROOT)}
    chosen, left_out = {}, []
    for name in arguments.files:
        source = source_of((ROOT / name).resolve(), flags_of)
        if source is None:
            left_out.append(f"{name} (in no unit of {arguments.build})")
        else:
            chosen[source] = flags_of[source]
    # LibTorch's headers cost tens of seconds: what does not see them comes first.
    return sorted(chosen.items(), key=lambda job: any("torch" in flag for flag in job[1])), left_out


def check(job: tuple, end: float) -> tuple:
    """Findings of one file ("": clean), UNREADABLE, or none when the time is over."""
    path, flags = job
    left = end - time.monotonic()
    if left <= 0:
        return path, None
    try:
        result = subprocess.run(["clang-tidy", "--quiet", str(path), "--", *flags], cwd=ROOT, text=True,
                                capture_output=True, timeout=None if end == float("inf") else left)
    except subprocess.TimeoutExpired:
        return path, None
    if result.returncode == 0:
        return path, ""
    findings = FINDING.findall(result.stdout)
    if findings and all(name.startswith("clang-diagnostic-error") for name in findings):
        return path, UNREADABLE
    return path, result.stdout.strip() or result.stderr.strip()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--build", default="build")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--limit", type=float, default=float("inf"))
    arguments = parser.parse_args()
    end = time.monotonic() + arguments.limit
    jobs, left_out = chosen_jobs(arguments)
    bad, checked = 0, 0
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for path, findings in pool.map(lambda job: check(job, end), jobs):
            name = os.path.relpath(path, ROOT)
            if findings is None or findings is UNREADABLE:
                left_out.append(f"{name} ({'time limit' if findings is None else UNREADABLE})")
                continue
            checked += 1
            if findings:
                bad += 1
                print(f"{name}:\n{findings}", flush=True)
    print(f"clang-tidy: {checked} files checked, {bad} with findings")
    if left_out:
        print("clang-tidy: left out: " + ", ".join(left_out))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
