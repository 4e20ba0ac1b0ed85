"""The HTTP server as its clients see it: curl, Python's http.client and ssl, and ten thousand connections at once."""

import contextlib
import http.client
import os
import re
import resource
import shutil
import socket
import ssl
import subprocess
import time

import peers

TOOL = os.path.join(peers.BUILD, "http_tool")
MANY = 10_000


class Server:
    def __init__(self, process, port, log):
        self.process, self.port, self.log = process, port, log

    def memory_kib(self):
        with open(f"/proc/{self.process.pid}/status", encoding="utf-8") as f:
            return int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1))


@contextlib.contextmanager
def server(folder, *words):
    log = os.path.join(folder, "log")
    with open(log, "wb") as errors:
        process = subprocess.Popen([TOOL, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors)
        try:
            yield Server(process, int(process.stdout.readline()), log)
            process.stdin.close()
            assert process.wait(20) == 0
        finally:
            process.kill()
            process.wait()
            process.stdout.close()


def curl(*words, stdin=None):
    if shutil.which("curl") is None:
        peers.skip("there is no curl")
    run = subprocess.run(["curl", "-sS", "--max-time", "60", *words], input=stdin, capture_output=True, timeout=90)
    assert run.returncode == 0, f"curl {words}: {run.returncode} {run.stderr.decode()}"
    return run.stdout


def sparse(folder, size):
    path = os.path.join(folder, "sparse")
    with open(path, "wb") as f:
        f.truncate(size)
    return path


def curl_gets_and_posts(folder):
    data = bytes(range(256)) * 2000
    with server(folder) as s:
        url = f"http://127.0.0.1:{s.port}"
        assert curl(f"{url}/hello", f"{url}/work", f"{url}/hello") == b"helloworkhello"
        assert curl("--http1.0", f"{url}/work") == b"work"
        assert curl("--data-binary", "@-", f"{url}/echo", stdin=data) == data
        assert curl("-H", "Transfer-Encoding: chunked", "--data-binary", "@-", f"{url}/echo", stdin=data) == data
        assert curl("-H", "Expect: 100-continue", "--data-binary", "@-", f"{url}/echo", stdin=data) == data
        assert curl("-I", "-o", os.devnull, "-w", "%{http_code} %{size_download}", f"{url}/work") == b"200 0"
        for path in ("bytes", "chunks"):
            got = curl(f"{url}/{path}/3000000")
            assert len(got) == 3_000_000 and got[1_000_000:1_000_026] == bytes(97 + (1_000_000 + i) % 26 for i in range(26))
            assert curl(f"{url}/{path}/0") == b""
        assert curl("-w", "%{http_code}", "-o", os.devnull, f"{url}/nothing") == b"404"
        assert b"firn_http_route_requests_total{route=\"echo\",code=\"200\"} 3" in curl(f"{url}/metrics")


def a_gigabyte_is_refused_however_it_is_sent(folder):
    path = sparse(folder, 1 << 30)
    with server(folder) as s:
        url = f"http://127.0.0.1:{s.port}/count"
        want = ("-w", "%{http_code}", "-o", os.devnull)
        before = s.memory_kib()
        for how in (("-H", "Expect: 100-continue"), ("-H", "Expect:"), ("-H", "Expect:", "-H", "Transfer-Encoding: chunked")):
            started = time.monotonic()
            assert curl(*want, *how, "-T", path, "-X", "POST", url) == b"413", how
            assert time.monotonic() - started < 30
        assert is_sanitized() or s.memory_kib() - before < (320 << 10)  # no more than one body of the largest allowed size
        assert curl("--data-binary", f"@{sparse(folder, 200 << 20)}", url) == str(200 << 20).encode()


def python_keeps_a_connection(folder):
    with server(folder) as s:
        c = http.client.HTTPConnection("127.0.0.1", s.port, timeout=30)
        for i in range(200):
            c.request("POST", "/echo", body=f"event {i}".encode())
            answer = c.getresponse()
            assert answer.status == 200 and answer.read() == f"event {i}".encode()
            if i == 0:
                used = c.sock
            assert c.sock is used
        c.request("POST", "/echo", body=iter([b"in ", b"pieces"]))
        assert c.getresponse().read() == b"in pieces"
        c.request("POST", "/echo", body=b"x" * (50 << 20))  # sent as a whole before it reads
        answer = c.getresponse()
        assert answer.status == 413 and b"too large" in answer.read()


def make_certificate(folder, name):
    if shutil.which("openssl") is None:
        peers.skip("there is no openssl")
    certificate, key = os.path.join(folder, "server.crt"), os.path.join(folder, "server.key")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-days", "3",
                    "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    return certificate, key


def clients_speak_tls(folder):
    certificate, key = make_certificate(folder, "first")
    data = os.urandom(1 << 20)
    with server(folder, certificate, key) as s:
        url = f"https://127.0.0.1:{s.port}"
        for version in ("--tlsv1.2", "--tlsv1.3"):
            assert curl("--cacert", certificate, version, "--data-binary", "@-", f"{url}/echo", stdin=data) == data
        assert len(curl("--cacert", certificate, f"{url}/bytes/5000000")) == 5_000_000
        context = ssl.create_default_context(cafile=certificate)
        c = http.client.HTTPSConnection("127.0.0.1", s.port, timeout=30, context=context)
        for _ in range(20):
            c.request("GET", "/work")
            assert c.getresponse().read() == b"work"
        make_certificate(folder, "second")
        deadline = time.monotonic() + 20  # the files are looked at every five seconds
        while b"CN=second" not in subject(s.port) and time.monotonic() < deadline:
            time.sleep(0.2)
        assert b"CN=second" in subject(s.port)
        c.request("GET", "/work")  # who is there stays
        assert c.getresponse().read() == b"work"


def subject(port):
    shown = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}"], stdin=subprocess.DEVNULL, capture_output=True, timeout=20)
    return re.sub(rb"\s*=\s*", b"=", b"\n".join(line for line in shown.stdout.splitlines() if b"subject" in line))


def ten_thousand_connections(folder):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < MANY + 500:
        peers.skip(f"the system allows {hard} open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, MANY + 500), hard))
    request = b"GET /hello HTTP/1.1\r\nHost: h\r\n\r\n"
    with server(folder) as s, contextlib.ExitStack() as stack:
        empty = s.memory_kib()
        connections = []
        started = time.monotonic()
        for _ in range(MANY):
            connections.append(stack.enter_context(socket.create_connection(("127.0.0.1", s.port), timeout=30)))
        ask(connections[-1], request)  # so all are accepted
        silent = s.memory_kib()
        times = [ask(c, request) for c in connections[:200]]
        for c in connections[200:]:
            ask(c, request)
        kept = s.memory_kib()
        print(f"{MANY} connections in {time.monotonic() - started:.1f} s: silent {(silent - empty) / MANY:.1f} KiB each, "
              f"kept after an answer {(kept - empty) / MANY:.1f} KiB each; an answer beside them {sorted(times)[100] * 1e6:.0f} us")
        assert is_sanitized() or (kept - empty) / MANY < 32
        metrics = curl(f"http://127.0.0.1:{s.port}/metrics")
        assert int(re.search(rb"\nfirn_http_connections (\d+)", metrics).group(1)) == MANY + 1


def is_sanitized():
    with open(os.path.join(peers.BUILD, "build.ninja"), encoding="utf-8") as f:
        return "-fsanitize" in f.read()


def ask(connection, request):
    started = time.monotonic()
    connection.sendall(request)
    answer = b""
    while not answer.endswith(b"hello"):
        piece = connection.recv(4096)
        assert piece, answer
        answer += piece
    return time.monotonic() - started


peers.run(curl_gets_and_posts, a_gigabyte_is_refused_however_it_is_sent, python_keeps_a_connection, clients_speak_tls, ten_thousand_connections)
