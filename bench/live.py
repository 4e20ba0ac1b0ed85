"""firn up under load: how soon it is ready, what it holds when idle, how many events a second are acknowledged, and when they are visible.

Usage: live.py BUILD [--events FILE] [--only ready|post|visible]
BUILD is a release build with the benches. The disk's own cost of a sync is measured beside, on the same file system.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.join(HERE, "../tests"))


def sync_cost(folder, size, n=200):
    """Median milliseconds of an append of `size` bytes and its fdatasync."""
    taken = []
    with open(f"{folder}/sync", "wb", buffering=0) as f:
        for _ in range(n):
            started = time.perf_counter()
            f.write(b"x" * size)
            os.fdatasync(f.fileno())
            taken.append((time.perf_counter() - started) * 1e3)
    return statistics.median(taken)


def count_syncs(live, folder):
    """The system calls of an empty start that wait for the disk, by strace: how many, and their seconds."""
    trace = f"{folder}/trace"
    firn = live.Up(f"{folder}/traced", wrap=("strace", "-f", "-T", "-e", "trace=fsync,fdatasync,sync_file_range,syncfs", "-o", trace))
    syncs = [line for line in open(trace, encoding="utf-8") if "sync(" in line]
    seconds = sum(float(line.rsplit("<", 1)[1].rstrip(">\n")) for line in syncs if line.endswith(">\n"))
    subprocess.run(["pkill", "-TERM", "-P", str(firn.process.pid)], check=False)
    firn.process.wait(30)
    return len(syncs), seconds


def ready(live, folder):
    starts, again = [], []
    for i in range(7):
        with live.up(f"{folder}/ready{i}") as firn:
            starts.append(firn.ready_s * 1e3)
            time.sleep(1.0)
            rss = firn.rss()
        with live.up(f"{folder}/ready{i}") as firn:
            again.append(firn.ready_s * 1e3)
    n, seconds = count_syncs(live, folder)
    print(f"ready after {statistics.median(starts):.0f} ms in an empty folder, {statistics.median(again):.0f} ms in one that is there; "
          f"{n} syncs of an empty start take {seconds * 1e3:.0f} ms under strace; idle RSS {rss / 2**20:.1f} MiB")


def load_program(build):
    return os.path.join(build, "bench_http_load")


def post(live, folder, build, events):
    print(f"an append of 500 bytes and its sync: {sync_cost(folder, 500):.2f} ms; of 50,000 bytes: {sync_cost(folder, 50_000):.2f} ms")
    print(f"{'batch':>6} {'clients':>7} {'events/s':>10} {'requests/s':>10} {'p50 ms':>8} {'p99 ms':>8} {'CPU us/event':>12} {'peak MiB':>8}")
    for batch, clients, count in ((1, 1, 2000), (1, 8, 10_000), (1, 64, 40_000), (100, 1, 2000), (100, 8, 8000), (1000, 1, 300), (1000, 8, 1000)):
        with live.up(f"{folder}/post{batch}x{clients}", {"log.level": "warn"}) as firn:
            run = subprocess.run([load_program(build), "post", "127.0.0.1", str(firn.port), str(clients), str(count), events, str(batch)],
                                 check=True, capture_output=True)
            said = json.loads(run.stdout)
            cpu = cpu_seconds(firn.process.pid)
            peak = firn.peak_rss() / 2**20
            firn.stop(within_s=120)
        assert said["bad"] == 0, said
        print(f"{batch:6} {clients:7} {said['events'] / said['seconds']:10.0f} {said['requests'] / said['seconds']:10.0f} {said['p50'] / 1e3:8.2f} "
              f"{said['p99'] / 1e3:8.2f} {cpu / said['events'] * 1e6:12.2f} {peak:8.0f}")


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def visible(live, folder):
    """From the answer to a post until a table load shows it: with the periods by default, and with short ones."""
    for periods in ({}, {"ingest.batching.period": "100ms", "committer.batching.period": "100ms"}):
        taken = []
        with live.up(f"{folder}/visible{len(periods)}", periods) as firn:
            for i in range(3 if not periods else 20):
                assert firn.post([live.event(i)]) == 202
                started = time.monotonic()
                firn.wait_visible(i + 1)
                taken.append(time.monotonic() - started)
        print(f"visible in the table after the 202, {periods or 'periods by default (5 s, 10 s)'}: "
              f"median {statistics.median(taken):.2f} s, longest {max(taken):.2f} s")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--events")
    parser.add_argument("--only")
    wanted = parser.parse_args()
    sys.argv[1:] = [wanted.build]
    import live

    with tempfile.TemporaryDirectory(dir=os.environ.get("FIRN_BENCH_FOLDER")) as folder:
        events = wanted.events
        if events is None:
            events = f"{folder}/events.ndjson"
            subprocess.run([sys.executable, f"{HERE}/events.py", "200000", events], check=True)
        for name, part in (("ready", lambda: ready(live, folder)), ("post", lambda: post(live, folder, wanted.build, events)),
                           ("visible", lambda: visible(live, folder))):
            if wanted.only in (None, name):
                part()


if __name__ == "__main__":
    main()
