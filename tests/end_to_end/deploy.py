"""What lies in deploy/ and stands in docs/how-to/run-firn.md fits the program: options, paths, libraries, the service manager's
protocol. No container engine and no service manager is needed."""

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess

import live
import peers

DEPLOY = os.path.join(peers.ROOT, "deploy")
UNIT = os.path.join(DEPLOY, "firn.service")
CONTAINERFILE = os.path.join(DEPLOY, "Containerfile")
INSTALLED = "/usr/local/bin/firn"


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def unit():
    """The unit's settings; later ones of a name join the earlier."""
    found = {}
    for line in read(UNIT).splitlines():
        if "=" in line and not line.startswith("#"):
            name, value = line.split("=", 1)
            found.setdefault(name, []).append(value)
    return {name: " ".join(values) for name, values in found.items()}


def instructions():
    """(instruction, words) of the container file, continued lines joined."""
    text = re.sub(r"^#.*\n", "", read(CONTAINERFILE), flags=re.MULTILINE).replace("\\\n", " ")
    return [line.split(None, 1) for line in text.splitlines() if line.strip()]


def is_taken(words):
    """The program knows the command and all its options."""
    said = peers.firn(*words, "--help")
    assert said.stdout.startswith(f"firn {words[0]}"), said.stdout


def command_lines_are_those_of_the_program(folder):
    start = shlex.split(unit()["ExecStart"])
    assert start[0] == INSTALLED
    is_taken(start[1:])
    of = dict((name, value) for name, value in instructions() if name in ("ENTRYPOINT", "CMD"))
    assert json.loads(of["ENTRYPOINT"]) == [INSTALLED]
    is_taken(json.loads(of["CMD"]))


def the_unit_is_one_that_systemd_takes(folder):
    if shutil.which("systemd-analyze") is None:
        peers.skip("there is no systemd-analyze")
    copy = os.path.join(folder, "firn.service")
    with open(copy, "w", encoding="utf-8") as f:
        f.write(read(UNIT).replace(INSTALLED, peers.FIRN))
    said = subprocess.run(["systemd-analyze", "verify", copy], capture_output=True, text=True)
    assert said.returncode == 0 and said.stderr == "", said.stderr
    said = subprocess.run(["systemd-analyze", "security", "--offline=true", copy], capture_output=True, text=True)
    level = float(re.search(r"exposure level for firn.service: ([0-9.]+)", said.stdout)[1])
    assert level < 2, level


def the_unit_names_places_that_go_together(folder):
    u = unit()
    assert u["WorkingDirectory"] == "/var/lib/" + u["StateDirectory"]
    assert u["User"] == u["Group"] == re.search(r"^u (\w+)", read(os.path.join(DEPLOY, "firn.sysusers")), re.MULTILINE)[1]
    keys = peers.firn("check", "--print", "--listen", "127.0.0.1:0", cwd=folder, env={"FIRN_CONFIG": ""}).stdout
    seconds = int(re.search(r"^server.drain_timeout: (\d+)s", keys, re.MULTILINE)[1])
    connections = int(re.search(r"^server.max_connections: (\d+)", keys, re.MULTILINE)[1])
    assert int(u["TimeoutStopSec"]) > 2 * seconds
    assert int(u["LimitNOFILE"]) > 2 * connections


def the_container_is_made_of_what_there_is(folder):
    text = read(CONTAINERFILE)
    assert os.access(os.path.join(peers.ROOT, "tools/setup"), os.X_OK)
    presets = [p["name"] for p in json.loads(read(os.path.join(peers.ROOT, "CMakePresets.json")))["configurePresets"]]
    assert re.search(r"cmake --preset (\w+)", text)[1] in presets
    of = dict((name, value) for name, value in instructions())
    assert of["WORKDIR"] == of["VOLUME"] == re.search(r"install -d [^&]* (/\S+)", text)[1]
    listen = json.loads(of["CMD"])[json.loads(of["CMD"]).index("--listen") + 1]
    assert listen == f"0.0.0.0:{of['EXPOSE']}"
    assert set(re.findall(r"127\.0\.0\.1:(\d+)", of["HEALTHCHECK"])) == {of["EXPOSE"]}
    assert of["STOPSIGNAL"] == unit()["KillSignal"]


def the_container_has_what_the_program_is_linked_with(folder):
    if not shutil.which("dpkg-query") or not re.search(r"^VERSION_ID=\"?12", read("/etc/os-release"), re.MULTILINE):
        peers.skip("packages are called so on Debian 12")
    needed = re.findall(r"\(NEEDED\).*\[(.*)\]", subprocess.run(["readelf", "-d", peers.FIRN], capture_output=True, text=True).stdout)
    paths = dict(re.findall(r"^\s*(\S+) => (\S+)", subprocess.run(["ldd", peers.FIRN], capture_output=True, text=True).stdout, re.MULTILINE))
    files = [path for name in needed if name in paths for path in (paths[name], os.path.realpath(paths[name]))]
    owners = subprocess.run(["dpkg-query", "-S", *files], capture_output=True, text=True)  # knows one name or the other of each
    packages = {line.split(":")[0] for line in owners.stdout.splitlines()}
    always_there = {"libc6", "libgcc-s1", "libstdc++6", "libasan8", "libubsan1", "libtsan2", ""}
    installed = re.search(r"--no-install-recommends(.*?)&&", instructions_text(), re.DOTALL)[1].split()
    assert len(packages) > 5
    assert packages - always_there <= set(installed), packages - always_there - set(installed)
    known = subprocess.run(["apt-cache", "show", *installed], capture_output=True, text=True)
    assert known.returncode == 0, known.stderr
    assert set(installed) - packages == {"ca-certificates", "curl"}, set(installed) - packages


def instructions_text():
    return "\n".join(" ".join(line) for line in instructions())


def wait_for(socket_, what, seconds=60):
    socket_.settimeout(seconds)
    while True:
        text = socket_.recv(4096).decode()
        if what in text.splitlines():
            return


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def the_service_manager_is_told_and_the_container_is_healthy(folder):
    """As the unit and the container start it, but for port and place."""
    assert unit()["Type"] == "notify"
    of = dict((name, value) for name, value in instructions())
    port = free_port()
    words = [w.replace(f":{of['EXPOSE']}", f":{port}") for w in json.loads(of["CMD"])]
    health = re.search(r"CMD (.*)", of["HEALTHCHECK"])[1].replace(f":{of['EXPOSE']}", f":{port}")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(os.path.join(folder, "notify"))
        firn = subprocess.Popen([peers.FIRN, *words], cwd=folder, env={**os.environ, "NOTIFY_SOCKET": os.path.join(folder, "notify")},
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            wait_for(manager, "READY=1")
            subprocess.run(["sh", "-c", health], check=True, capture_output=True, timeout=30)  # ready is when it answers
            firn.send_signal(getattr(signal, of["STOPSIGNAL"]))
            wait_for(manager, "STOPPING=1")
            assert firn.wait(60) == 0
        finally:
            if firn.poll() is None:
                firn.kill()
                firn.wait()
    assert os.path.isfile(os.path.join(folder, "firn-data", "FORMAT"))
    assert subprocess.run(["sh", "-c", health], capture_output=True).returncode != 0


def the_how_to_names_what_there_is(folder):
    page = read(os.path.join(peers.ROOT, "docs/how-to/run-firn.md"))
    for path in set(re.findall(r"(?:deploy|examples|docs)/[\w./-]*\w", page)):
        assert os.path.exists(os.path.join(peers.ROOT, path)), path
    for words in re.findall(r"^    (?:sudo )?firn (.*?)(?:\s+#.*)?$", page, re.MULTILINE):
        is_taken(shlex.split(words))
    keys = peers.firn("check", "--keys").stdout
    for key in set(re.findall(r"`((?:server|ingest|fetch|committer|log|index|sql)\.[\w.]+)", page)):
        assert f"    {key}" in keys, key
    variables = set(re.findall(r"FIRN_[A-Z_]+", page)) - {"FIRN_"}
    assert variables and all(v in keys for v in variables), variables
    blocks = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert len(blocks) >= 2
    for text in blocks:
        path = os.path.join(folder, "firn.yaml")
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        said = peers.firn("check", "--config", path, cwd=folder, status=None).stdout
        assert "ok      configuration" in said and "ok      settings" in said, said


def the_how_to_makes_a_certificate_that_serves(folder):
    if not shutil.which("openssl") or not shutil.which("curl"):
        peers.skip("there is no openssl, or no curl")
    page = read(os.path.join(peers.ROOT, "docs/how-to/run-firn.md"))
    make = re.search(r"^    (openssl (?:.*\\\n)*.*)$", page, re.MULTILINE)[1]
    subprocess.run(make, shell=True, cwd=folder, check=True, capture_output=True)
    block = next(text for text in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) if "certificate" in text)
    config = os.path.join(folder, "firn.yaml")
    with open(config, "w", encoding="utf-8") as f:
        f.write(block.replace(": firn.", f": {folder}/firn."))
    with live.up(os.path.join(folder, "data"), None, "--config", config) as firn:
        assert "https://" in firn.line
        said = subprocess.run(["curl", "-sS", "--cacert", f"{folder}/firn.pem", f"https://127.0.0.1:{firn.port}/healthz"], capture_output=True)
        assert said.returncode == 0, said.stderr


peers.run(command_lines_are_those_of_the_program, the_unit_is_one_that_systemd_takes, the_unit_names_places_that_go_together,
          the_container_is_made_of_what_there_is, the_container_has_what_the_program_is_linked_with,
          the_service_manager_is_told_and_the_container_is_healthy, the_how_to_names_what_there_is,
          the_how_to_makes_a_certificate_that_serves)
