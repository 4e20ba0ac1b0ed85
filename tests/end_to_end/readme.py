"""The README says only what is true: its examples are run, in order, in one folder. Blocks marked `sh` go to bash with the
program in the path, `python` to Python, `sql` to DuckDB; other blocks are shown only. A word in angle brackets in an sql block
is replaced by what the last sh block printed."""

import os
import re
import shutil
import subprocess
import sys

import peers


def blocks():
    with open(os.path.join(peers.ROOT, "README.md"), encoding="utf-8") as f:
        return re.findall(r"^```(sh|python|sql)\n(.*?)^```$", f.read(), re.MULTILINE | re.DOTALL)


def its_examples_run(folder):
    shutil.copytree(os.path.join(peers.ROOT, "examples"), os.path.join(folder, "examples"))
    env = {**os.environ, "PATH": peers.BUILD + ":" + os.environ["PATH"], "PYTHONWARNINGS": "ignore"}
    printed, n = "", 0
    for kind, text in blocks():
        n += 1
        if kind == "sql":
            db = peers.duckdb()
            for statement in re.sub(r"<\w+>", printed.strip(), text).split(";"):
                if statement.strip() and not statement.strip().upper().startswith(("INSTALL", "LOAD")):
                    assert db.execute(statement).fetchall(), statement
            continue
        words = ["bash", "-euo", "pipefail", "-c", text] if kind == "sh" else [sys.executable, "-c", text]
        run = subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True, timeout=300)
        assert run.returncode == 0, f"{text}\nexited {run.returncode}:\n{run.stdout}{run.stderr}"
        if kind == "sh":
            printed = run.stdout
    assert n >= 4, f"only {n} blocks found in README.md"


peers.run(its_examples_run)
