"""The tree that is looked at: its files, its rooms, and the form of a finding."""

import os
import subprocess

from linting.source import Source


class Finding:
    def __init__(self, path, line, rule, what, remedy):
        self.path, self.line, self.rule, self.what, self.remedy = path, line, rule, what, remedy

    def __str__(self):
        return f"{self.path}:{self.line}: {self.rule}: {self.what}: {self.remedy}"


class Tree:
    def __init__(self, root):
        self.root = root
        self.paths = sorted(self._list())
        self._sources = {}
        self.rooms = self._read_layers()

    def _list(self):
        if os.path.exists(os.path.join(self.root, ".git")):
            run = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=self.root, capture_output=True, text=True)
            if run.returncode == 0:
                return [p for p in set(run.stdout.splitlines()) if os.path.isfile(os.path.join(self.root, p))]
        found = []
        for folder, _, names in os.walk(self.root):
            found += [os.path.relpath(os.path.join(folder, n), self.root) for n in names]
        return found

    def read(self, path):
        with open(os.path.join(self.root, path), encoding="utf-8", errors="replace") as f:
            return f.read()

    def has(self, path):
        return os.path.isfile(os.path.join(self.root, path))

    def source(self, path):
        if path not in self._sources:
            self._sources[path] = Source(path, self.read(path))
        return self._sources[path]

    def c_files(self, *below):
        """.c and .h files below the named folders (all when none is named)."""
        return [p for p in self.paths if p.endswith((".c", ".h")) and (not below or p.startswith(below))]

    def library_files(self):
        """What is built into the library and the program: src/ without its tests."""
        return [p for p in self.c_files("src/") if not is_test(p)]

    def _read_layers(self):
        """{room: set of rooms it may include}, in the order of tools/layers.txt."""
        rooms = {}
        if self.has("tools/layers.txt"):
            for line in self.read("tools/layers.txt").splitlines():
                if line and line[0].islower():
                    room, _, allowed = line.partition(":")
                    rooms[room] = set(allowed.split())
        return rooms

    def room_of(self, path):
        """The longest room that is a prefix of src-relative `path`, or None."""
        best = None
        for room in self.rooms:
            if path.startswith(room + "/") and (best is None or len(room) > len(best)):
                best = room
        return best


def is_test(path):
    return path.endswith("_test.c") or path.startswith(("tests/", "fuzz/", "bench/", "examples/"))


def in_src(path):
    """`path` without its leading src/."""
    return path[len("src/"):] if path.startswith("src/") else path
