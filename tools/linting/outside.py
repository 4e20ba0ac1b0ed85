"""The rules that ask another program: the compiler, clang-format, nm, bash, clang-tidy."""

import glob
import json
import os
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

from linting.tree import Finding, in_src, is_test

COMPILE = ["gcc", "-std=gnu17", "-D_GNU_SOURCE", "-Isrc", "-Wall", "-Werror", "-fsyntax-only", "-x", "c"]


def in_parallel(work, items):
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 2) as pool:
        return [finding for found in pool.map(work, items) for finding in found]


def headers_alone(tree, notes):
    """Every header compiles when it is the whole program."""
    if shutil.which("gcc") is None:
        notes.append("headers: not checked, there is no gcc")
        return []

    def compile_one(path):
        run = subprocess.run(COMPILE + [path], cwd=tree.root, capture_output=True, text=True)
        if run.returncode == 0:
            return []
        found = re.search(r"^([^:\n]+):(\d+):\d+: (?:fatal )?error: (.*)$", run.stderr, re.MULTILINE)
        where, line, what = found.groups() if found else (path, 1, run.stderr.strip()[:200])
        return [Finding(path if where != path else where, int(line) if where == path else 1, "headers",
                        f"does not compile alone ({what})", "include what it uses")]

    return in_parallel(compile_one, [p for p in tree.library_files() if p.endswith(".h")])


def clang_tool(tree, name):
    """(path, pinned version) of a pinned clang tool, or (None, why not)."""
    pinned = re.search(rf"^{name}==([\d.]+)", tree.read("tools/requirements.in"), re.MULTILINE).group(1)
    clang_version = ".".join(pinned.split(".")[:3])
    peers = os.path.dirname(os.environ.get("FIRN_PYTHON", ""))
    for place in (os.path.join(tree.root, ".venv/bin", name), os.path.join(peers, name), shutil.which(name)):
        if place and os.access(place, os.X_OK):
            said = subprocess.run([place, "--version"], capture_output=True, text=True).stdout
            if re.search(rf"version {re.escape(clang_version)}\b", said):
                return place, clang_version
    return None, f"{name} {clang_version} is not here; tools/setup check installs it"


def formatted(tree, notes):
    """clang-format, at its pinned version, would change nothing."""
    if not (tree.has(".clang-format") and tree.has("tools/requirements.in")):
        return []
    tool, detail = clang_tool(tree, "clang-format")
    if tool is None:
        notes.append(f"format: not checked, {detail}")
        return []

    def check(paths):
        run = subprocess.run([tool, "--dry-run", "-Werror", *paths], cwd=tree.root, capture_output=True, text=True)
        first = {}
        for path, line in re.findall(r"^([^:\n]+):(\d+):\d+: error:", run.stderr, re.MULTILINE):
            first.setdefault(path, int(line))
        if run.returncode != 0 and not first:
            return [Finding(paths[0], 1, "format", f"clang-format failed ({run.stderr.strip()[:200]})", "see its message")]
        return [Finding(p, n, "format", "not as .clang-format has it", f"run clang-format {detail} -i {p}") for p, n in first.items()]

    files = tree.c_files()
    half = (len(files) + 1) // 2
    return in_parallel(check, [part for part in (files[:half], files[half:]) if part])


def symbols(tree, notes):
    """What the linker sees begins with firn_: asked of the newest build folder's libraries."""
    folders = [f for f in glob.glob(os.path.join(tree.root, "build*")) if glob.glob(os.path.join(f, "libfirn_*.a"))]
    if not folders or shutil.which("nm") is None:
        notes.append("symbols: not checked, nothing is built")
        return []
    newest = max(folders, key=lambda f: max(os.path.getmtime(a) for a in glob.glob(os.path.join(f, "libfirn_*.a"))))
    run = subprocess.run(["nm", "-A", "-g", "--defined-only", *sorted(glob.glob(os.path.join(newest, "libfirn_*.a")))],
                         capture_output=True, text=True)
    found = []
    for line in run.stdout.splitlines():
        member, _, rest = line.rpartition(":")
        name = rest.split()[-1] if rest.split() else ""
        if name and not name.startswith(("firn_", "__", "_Z")):
            found.append(Finding(os.path.relpath(member.replace(":", "("), tree.root) + ")", 0, "symbols", f"the linker sees {name}",
                                 "make it static or begin its name with firn_"))
    return found


def shell_scripts(tree, notes):
    """bash can parse every script of ours."""
    def check(path):
        run = subprocess.run(["bash", "-n", path], cwd=tree.root, capture_output=True, text=True)
        found = re.search(r"line (\d+): (.*)", run.stderr)
        return [] if run.returncode == 0 else [
            Finding(path, int(found.group(1)) if found else 1, "scripts", "bash cannot parse it", found.group(2) if found else "mend it")]

    def is_shell(path):
        if path.endswith(".sh"):
            return True
        return "." not in os.path.basename(path) and tree.read(path)[:40].startswith(("#!/bin/bash", "#!/usr/bin/env bash", "#!/bin/sh"))

    candidates = [p for p in tree.paths if p.endswith(".sh") or p.startswith(("tools/", ".ci/")) or "/" not in p]
    return in_parallel(check, [p for p in candidates if is_shell(p)])


def tidy(tree, which, build, notes):
    """clang-tidy on `which` ('changed' or 'all') with the compile commands of `build`."""
    tool, detail = clang_tool(tree, "clang-tidy")
    if tool is None:
        notes.append(f"tidy: not checked, {detail}")
        return []
    database = os.path.join(tree.root, build, "compile_commands.json")
    if not os.path.exists(database):
        notes.append(f"tidy: not checked, {build} is not configured")
        return []
    with open(database, encoding="utf-8") as f:
        known = {os.path.relpath(entry["file"], tree.root) for entry in json.load(f)}
    wanted = [p for p in tree.library_files() if p in known and not is_test(p)]
    if which == "changed":
        wanted = [p for p in wanted if p in changed_files(tree, wanted)]
    notes.append(f"tidy: {len(wanted)} files")
    extra = ["-Wno-unknown-warning-option"]
    if which == "changed":  # a seventh of the analyzer's usual patience: a fifth of the time, and nearly all of the findings
        extra += ["-Xclang", "-analyzer-config", "-Xclang", "max-nodes=30000"]

    def check(path):
        run = subprocess.run([tool, "-p", build, "--quiet", *("--extra-arg=" + e for e in extra), path],
                             cwd=tree.root, capture_output=True, text=True)
        found = re.findall(r"^([^:\n]+):(\d+):\d+: (?:warning|error): (.*) \[([\w.,-]+)\]$", run.stdout, re.MULTILINE)
        findings = [Finding(os.path.relpath(os.path.join(tree.root, p), tree.root), int(n), "tidy", f"{what} ({name})",
                            "mend it, or NOLINT it with a reason") for p, n, what, name in found]
        if run.returncode != 0 and not findings:
            findings.append(Finding(path, 1, "tidy", "clang-tidy failed", run.stdout.strip()[-300:] or run.stderr.strip()[-300:]))
        return findings

    return in_parallel(check, wanted)


def changed_files(tree, candidates):
    """What differs from where this work began: the fork from origin/main, or, on main itself, the last ten commits. A .c file
    counts as changed when a header beside it of the same name did."""
    def git(*words):
        return subprocess.run(["git", *words], cwd=tree.root, capture_output=True, text=True).stdout.split()

    base = git("merge-base", "HEAD", "origin/main")
    if not base or base == git("rev-parse", "HEAD"):
        base = git("rev-list", "--max-count=11", "--first-parent", "HEAD")[-1:]
    changed = set(git("diff", "--name-only", *base)) | set(git("ls-files", "-o", "--exclude-standard"))
    return {p for p in candidates if p in changed or re.sub(r"\.c$", ".h", p) in changed}


OUTSIDE = (headers_alone, formatted, symbols, shell_scripts)
