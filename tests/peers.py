"""What interop and end-to-end tests share: the program under test, its peers, and a runner.

A test script is run with the build folder as its argument. It defines functions whose names are sentences and ends with
`peers.run(...)` of them. Each function gets a fresh folder. `peers.skip(why)` ends a function that cannot run here, audibly.
"""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
import traceback

ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
BUILD = os.path.realpath(sys.argv[1]) if len(sys.argv) > 1 else os.path.join(ROOT, "build")
FIRN = os.path.join(BUILD, "firn")
SKIPPED = 77  # ctest's SKIP_RETURN_CODE


class Skip(Exception):
    pass


def skip(why):
    raise Skip(why)


def firn(*words, cwd=None, stdin=None, status=0, env=None):
    """Runs the program; the test fails unless it exits with `status` (None: any). Gives the finished process; texts are str."""
    run = subprocess.run([FIRN, *map(str, words)], cwd=cwd, input=stdin, capture_output=True, env={**os.environ, **(env or {})}, timeout=600)
    run.stdout, run.stderr = run.stdout.decode("utf-8", "surrogateescape"), run.stderr.decode("utf-8", "replace")
    if status is not None and run.returncode != status:
        raise AssertionError(f"firn {' '.join(map(str, words))}\n  exited {run.returncode}, not {status}\n{run.stdout[-2000:]}{run.stderr[-4000:]}")
    return run


def firn_json(*words, **how):
    """The same, its output read as JSON lines."""
    return [json.loads(line) for line in firn(*words, **how).stdout.splitlines()]


def shared_data():
    """The folder of other projects' files, or a skip."""
    path = os.path.join(ROOT, "../shared/testdata")
    if not os.path.isdir(path):
        skip("there is no ../shared/testdata")
    return os.path.realpath(path)


def need(*modules):
    """Skips unless all of these Python modules are here."""
    for module in modules:
        try:
            __import__(module)
        except ImportError:
            skip(f"there is no {module}; tools/setup check installs it")


def duckdb():
    """A DuckDB connection with its avro and iceberg extensions, both from the virtual environment."""
    try:
        import duckdb as module
    except ImportError:
        skip("there is no duckdb; tools/setup check installs it")
    db = module.connect(config={"autoinstall_known_extensions": False, "autoload_known_extensions": False})
    for name in ("avro", "iceberg"):
        folder = os.path.join(sysconfig.get_paths()["purelib"], f"duckdb_extension_{name}", "extensions", f"v{module.__version__}")
        db.execute(f"LOAD '{folder}/{name}.duckdb_extension'")
    return db


def pyiceberg_catalog(data_folder):
    """PyIceberg's view of a firn data directory, as the README shows it."""
    try:
        from pyiceberg.catalog import load_catalog
    except ImportError:
        skip("there is no pyiceberg; tools/setup check installs it")
    data_folder = os.path.realpath(data_folder)
    return load_catalog("default", type="sql", uri=f"sqlite:///{data_folder}/catalog.db", warehouse=f"file://{data_folder}/warehouse")


def run(*functions):
    """Runs each in a fresh folder and ends the script: 0 all passed, 77 all skipped, 1 otherwise."""
    n_failed = n_skipped = 0
    for function in functions:
        folder = tempfile.mkdtemp(prefix="firn-")
        started, result = time.monotonic(), "ok"
        try:
            function(folder)
        except Skip as why:
            result, n_skipped = f"SKIPPED {function.__name__}: {why}", n_skipped + 1
        except Exception:  # whatever it is, the other tests still run
            traceback.print_exc()
            result, n_failed = "FAILED", n_failed + 1
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        print(f"{function.__name__}: {result} ({time.monotonic() - started:.1f} s)", flush=True)
    sys.exit(1 if n_failed else SKIPPED if n_skipped == len(functions) else 0)
