"""The README says only what is true: its examples are run, in order, in one folder. Blocks marked `sh` go to bash with the
program in the path, `python` to Python, `sql` to DuckDB; other blocks are shown only. A word in angle brackets in an sql block
is replaced by what the last sh block printed. What a block leaves running, `firn up`, serves the blocks after it, on a free port."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import peers


def blocks():
    with open(os.path.join(peers.ROOT, "README.md"), encoding="utf-8") as f:
        return re.findall(r"^```(sh|python|sql)\n(.*?)^```$", f.read(), re.MULTILINE | re.DOTALL)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


def wait_for(url, wanted):
    until = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(url) as answer:
                if wanted in answer.read():
                    return
        except (urllib.error.URLError, ConnectionError):
            pass
        assert time.monotonic() < until, f"{url} never answered {wanted}"
        time.sleep(0.05)


def run_shell(text, folder, env, started):
    """Runs a block in a process group of its own; its output goes to a file, which a program in the background may keep open."""
    path = os.path.join(folder, "printed")
    with open(path, "w+", encoding="utf-8") as printed:
        shell = subprocess.Popen(["bash", "-euo", "pipefail", "-c", text], cwd=folder, env=env, stdout=printed, stderr=subprocess.STDOUT,
                                 start_new_session=True)
        started.append(shell.pid)
        shell.wait(300)
        with open(path, encoding="utf-8") as f:
            said = f.read()
        assert shell.returncode == 0, f"{text}\nexited {shell.returncode}:\n{said}"
        return said


def run_blocks(folder, env, url, started):
    printed, n = "", 0
    for kind, text in blocks():
        n += 1
        if kind == "sql":
            db = peers.duckdb()
            for statement in re.sub(r"<\w+>", printed.strip(), text).split(";"):
                if statement.strip() and not statement.strip().upper().startswith(("INSTALL", "LOAD")):
                    assert db.execute(statement).fetchall(), statement
        elif kind == "python":
            run = subprocess.run([sys.executable, "-c", text], cwd=folder, env=env, capture_output=True, text=True, timeout=300)
            assert run.returncode == 0, f"{text}\nexited {run.returncode}:\n{run.stdout}{run.stderr}"
        else:
            printed = run_shell(text.replace("http://127.0.0.1:8181", url), folder, env, started)
            if "firn up &" in text:
                wait_for(f"{url}/readyz", b'"ready":true')
            if "--data-binary" in text:
                wait_for(f"{url}/v1/events?subject=station/tongue&limit=1", b'"key"')
    assert n >= 6, f"only {n} blocks found in README.md"


def its_examples_run(folder):
    shutil.copytree(os.path.join(peers.ROOT, "examples"), os.path.join(folder, "examples"))
    address = f"127.0.0.1:{free_port()}"
    env = {**os.environ, "PATH": peers.BUILD + ":" + os.environ["PATH"], "PYTHONWARNINGS": "ignore", "FIRN_SERVER_LISTEN": address,
           "FIRN_INGEST_BATCHING_PERIOD": "100ms", "FIRN_COMMITTER_BATCHING_PERIOD": "100ms"}
    started = []
    try:
        run_blocks(folder, env, f"http://{address}", started)
    finally:
        for group in started:
            try:
                os.killpg(group, signal.SIGTERM)
            except ProcessLookupError:
                pass


peers.run(its_examples_run)
