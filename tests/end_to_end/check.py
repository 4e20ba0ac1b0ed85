"""firn check says what would happen, finds what is wrong, and changes nothing."""

import glob
import json
import os
import shutil
import socket
import subprocess
import tempfile

import live
import peers

CLEAN = {name: value for name, value in os.environ.items() if not name.startswith(("FIRN_", "ICEBERG_"))}
GOOD = {"id": "1", "source": "s", "type": "t", "specversion": "1.0", "subject": "a", "time": "2025-06-15T12:00:00Z", "data": {"x": 1}}


def check(folder, *words, status=0, env=None, **how):
    """The checks by name; several of one name are in order."""
    words = [peers.FIRN, "check", "--format", "json", "--listen", "127.0.0.1:0", *map(str, words)]
    if words.count("--listen") > 1:
        del words[4:6]
    run = subprocess.run(words, cwd=folder, capture_output=True, text=True, env={**CLEAN, **(env or {})}, timeout=60, **how)
    assert run.returncode == status, f"{words} exited {run.returncode}:\n{run.stdout}{run.stderr}"
    assert (status == 0) == (run.stderr == ""), run.stderr
    found = {}
    for line in map(json.loads, run.stdout.splitlines()):
        assert sorted(line) == ["check", "state", "text"]
        found.setdefault(line["check"], []).append((line["state"], line["text"]))
    assert (status == 0) == ("failed" not in str([s for lines in found.values() for s, _ in lines])), found
    return found


def write(folder, text, name="firn.yaml"):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


def state_of(folder):
    """Every name below a folder with what stands in it and when it changed."""
    found = {}
    for path in sorted(glob.glob(f"{folder}/**", recursive=True, include_hidden=True)):
        info = os.stat(path)
        found[path] = (info.st_mtime_ns, info.st_mode, open(path, "rb").read() if os.path.isfile(path) else sorted(os.listdir(path)))
    return found


def in_an_empty_folder_everything_would_be_made_and_nothing_is(folder):
    found = check(folder)
    assert os.listdir(folder) == []
    for name in ("data", "catalog", "warehouse"):
        assert found[name][0][0] == "ok" and "will be made" in found[name][0][1], found[name]
    assert found["listen"][0] == ("ok", "127.0.0.1:0 is free")


def what_is_there_is_found_and_left_as_it_is(folder):
    data = os.path.join(folder, "firn-data")
    peers.firn("ingest", "cloudevent.valid", stdin=json.dumps(GOOD).encode(), cwd=folder)
    before = state_of(folder)
    found = check(folder)
    assert "has 3 tables" in found["catalog"][0][1], found
    assert "is there and can be written" in found["warehouse"][0][1]
    assert state_of(folder) == before
    check(folder, "--data", data, "--catalog", f"sqlite:{data}/catalog.db", "--warehouse", f"file://{data}/warehouse")
    assert state_of(folder) == before


def a_firn_that_serves_there_is_seen_and_not_disturbed(folder):
    data = os.path.join(folder, "data")
    with live.up(data) as firn:
        assert firn.ask("POST", "/v1/events", json.dumps(GOOD), {"Content-Type": live.EVENT})[0] == 202
        found = check(folder, "--data", data, "--listen", f"127.0.0.1:{firn.port}")
        assert "a firn serves from it" in found["data"][0][1], found
        assert found["listen"][0] == ("ok", f"127.0.0.1:{firn.port} is taken, and a firn serves from the data directory")
        assert "opens, and has" in found["catalog"][0][1]
        assert firn.ask("GET", "/readyz")[0] == 200
    found = check(folder, "--data", data)
    assert "is there and can be written" in found["data"][0][1] and "has 3 tables" in found["catalog"][0][1], found


def each_fault_is_one_failed_line(folder):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        assert "is taken by another program" in check(folder, "--listen", address, status=1)["listen"][0][1]
    assert "cannot be bound" in check(folder, "--listen", "192.0.2.1:8181", "--insecure", status=1)["listen"][0][1]
    assert "reached from other machines" in check(folder, "--listen", "0.0.0.0:0", status=1)["settings"][0][1]
    write(folder, "text", "file")
    assert "is no folder" in check(folder, "--data", "file", status=1)["data"][0][1]
    assert "is no folder" in check(folder, "--data", "file/below", status=1)["data"][0][1]
    assert "is no folder" in check(folder, "--warehouse", "file", status=1)["warehouse"][0][1]
    assert "ftp" in check(folder, "--warehouse", "ftp://x/y", status=1)["warehouse"][0][1]
    assert "no catalog of the kind" in check(folder, "--catalog", "glue:eu", status=1)["catalog"][0][1]
    write(folder, "this is no database, and long enough to be asked for more of it" * 20, "no.db")
    assert "no.db" in check(folder, "--catalog", "sqlite:no.db", status=1)["catalog"][0][1]
    assert "no folder" in check(folder, "--catalog", "sqlite:nowhere/catalog.db", status=1)["catalog"][0][1]
    os.mkdir(os.path.join(folder, "newer"))
    write(folder, "99\n", "newer/FORMAT")
    assert "no format that this firn knows" in check(folder, "--data", "newer", status=1)["data"][0][1]
    root = write(folder, "fetch: {legacy_roots: [/no/such/root, .]}")
    states = [state for state, _ in check(folder, "--config", root, status=1)["legacy root"]]
    assert states == ["failed", "ok"], states


def a_configuration_that_cannot_be_read_is_said_with_its_line(folder):
    path = write(folder, "server:\n  lisen: 127.0.0.1:0\n")
    found = check(folder, "--config", path, status=1)
    assert list(found) == ["configuration"]
    assert found["configuration"][0][1] == f"{path}:2: server.lisen is no key; did you mean server.listen?"
    assert "nowhere.yaml" in check(folder, "--config", "nowhere.yaml", status=1)["configuration"][0][1]
    found = check(folder, env={"FIRN_SERVER_WORKERS": "many", "FIRN_CONFIG": write(folder, "log.level: warn\n")}, status=1)
    assert found["configuration"][0][1].startswith('FIRN_SERVER_WORKERS: server.workers is "many"; it must be a whole number from 1')


def a_variable_that_is_nearly_a_setting_is_noted(folder):
    found = check(folder, env={"FIRN_SERVER_WOKERS": "3", "FIRN_SERVER_WORKERS": "4"})
    assert found["environment"] == [("note", "FIRN_SERVER_WOKERS sets nothing; did you mean FIRN_SERVER_WORKERS?")]
    assert ", 1 by the environment," in found["configuration"][0][1]


def openssl(folder, name, days):
    if shutil.which("openssl") is None:
        peers.skip("there is no openssl")
    start = {"-days": days} if days > 0 else {}
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={name}",
             "-keyout", f"{name}.key", "-out", f"{name}.pem", *[str(w) for pair in start.items() for w in pair]]
    subprocess.run(words, cwd=folder, check=True, capture_output=True)
    return f"server.tls: {{certificate: {folder}/{name}.pem, key: {folder}/{name}.key}}\n"


def certificate_and_key_are_looked_at(folder):
    good = write(folder, openssl(folder, "good", 100))
    assert check(folder, "--config", good)["tls"][0][1].startswith("CN=good, good until 20")
    soon = write(folder, openssl(folder, "soon", 3))
    assert [state for state, _ in check(folder, "--config", soon)["tls"]] == ["ok", "note"]
    mixed = write(folder, f"server.tls: {{certificate: {folder}/good.pem, key: {folder}/soon.key}}\n")
    assert "the key is not that of the certificate" in check(folder, "--config", mixed, status=1)["tls"][0][1]
    missing = write(folder, f"server.tls: {{certificate: {folder}/none.pem, key: {folder}/soon.key}}\n")
    assert "none.pem" in check(folder, "--config", missing, status=1)["tls"][0][1]
    alone = write(folder, f"server.tls.key: {folder}/soon.key\n")
    assert "needs server.tls.certificate" in check(folder, "--config", alone, status=1)["settings"][0][1]


def what_is_printed_is_a_file_that_means_the_same(folder):
    path = write(folder, "server: {listen: '127.0.0.1:0', workers: 3}\nfetch.legacy_roots: ['.', \"${X:/}\"]\ncommitter.snapshot_age: never\n")
    first = peers.firn("check", "--config", path, "--print", cwd=folder, env={"FIRN_NAMESPACE": "a.b"}).stdout
    assert f"server.workers: 3  # {path}:1" in first and 'namespace: "a.b"  # FIRN_NAMESPACE' in first and "# ok" in first
    again = peers.firn("check", "--config", write(folder, first, "again.yaml"), "--print", cwd=folder).stdout

    def settings(text):
        return [line.split("  # ")[0] for line in text.splitlines() if not line.startswith("#")]

    assert settings(first) == settings(again) and len(settings(first)) > 30


def the_page_of_keys_is_the_one_that_is_shown(folder):
    assert peers.firn("check", "--keys").stdout == peers.firn("help", "firn.yaml").stdout
    peers.firn("check", "--print", "--format", "json", cwd=folder, status=1)


def who_may_not_write_is_told(folder):
    if os.geteuid() != 0 or subprocess.run([peers.FIRN, "--version"], user=65534, capture_output=True).returncode != 0:
        peers.skip("only root can become somebody who may not write")
    peers.firn("ingest", "cloudevent.valid", stdin=json.dumps(GOOD).encode(), cwd=folder)
    with tempfile.TemporaryDirectory(dir="/tmp") as elsewhere:
        data = os.path.join(elsewhere, "firn-data")
        shutil.copytree(os.path.join(folder, "firn-data"), data)
        os.chmod(elsewhere, 0o755)
        found = check("/", "--data", data, status=1, user=65534)
        for name in ("data", "catalog", "warehouse"):
            assert found[name][0][0] == "failed" and "cannot be written" in found[name][0][1], found
        os.chown(data, 65534, 65534)
        found = check("/", "--data", data, status=1, user=65534)
        assert found["data"][0][0] == "ok" and "catalog.db cannot be written" in found["catalog"][0][1], found


def every_example_passes(folder):
    for path in sorted(glob.glob(os.path.join(peers.ROOT, "examples", "*.yaml"))):
        check(folder, "--config", path)


peers.run(in_an_empty_folder_everything_would_be_made_and_nothing_is, what_is_there_is_found_and_left_as_it_is,
          a_firn_that_serves_there_is_seen_and_not_disturbed, each_fault_is_one_failed_line,
          a_configuration_that_cannot_be_read_is_said_with_its_line, a_variable_that_is_nearly_a_setting_is_noted,
          certificate_and_key_are_looked_at, what_is_printed_is_a_file_that_means_the_same, the_page_of_keys_is_the_one_that_is_shown,
          who_may_not_write_is_told, every_example_passes)
