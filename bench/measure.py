"""What the benchmarks share: runs of whole commands in turn, their time and memory as the system accounts them, medians and ratios.
These machines are noisy: quote medians and ratios of one run, never single times of different ones."""
import os
import statistics
import subprocess
import time


def run(command, **kwargs):
    """One run: wall and CPU seconds, peak memory in MB, what it printed."""
    started = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **kwargs)
    out = child.stdout.read()
    errors = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise SystemExit(f"{command}: exit status {child.returncode}\n{errors.decode()}")
    return {
        "wall": time.monotonic() - started,
        "cpu": usage.ru_utime + usage.ru_stime,
        "mb": usage.ru_maxrss / 1024,
        "out": out.decode(),
    }


def in_turn(commands, runs, before=lambda name: None):
    """Each of `commands` (name -> argv) once a round, after one round that does not count."""
    results = {name: [] for name in commands}
    for round_number in range(runs + 1):
        for name, command in commands.items():
            before(name)
            result = run(command)
            if round_number > 0:
                results[name].append(result)
    return results


def median(results, key):
    return statistics.median(r[key] for r in results)


def table(results, base=None):
    """Prints medians, and how many times faster `base` is than each."""
    width = max(len(name) for name in results)
    print(f"{'':{width}}    wall s     cpu s   peak MB" + ("   wall ratio" if base else ""))
    for name, list_of_runs in results.items():
        wall = median(list_of_runs, "wall")
        line = f"{name:{width}}  {wall:8.3f}  {median(list_of_runs, 'cpu'):8.3f}  {median(list_of_runs, 'mb'):8.0f}"
        if base:
            pairs = [a["wall"] / b["wall"] for a, b in zip(list_of_runs, results[base])]
            line += f"   {statistics.median(pairs):8.2f} x"
        print(line)
