"""The prompt of firn sql, on a pseudo terminal: statements over lines, dot commands, completion, Ctrl-C, history."""

import os
import pty
import re
import select
import signal
import subprocess
import time

import peers

PROMPT = b"firn> "
MORE = b"   -> "


class Terminal:
    def __init__(self, folder, *words):
        self.seen = b""
        self.leader, follower = pty.openpty()
        env = {**os.environ, "HOME": folder, "TERM": "dumb", "COLUMNS": "80", "ASAN_OPTIONS": "detect_leaks=0"}
        env.pop("XDG_STATE_HOME", None)
        self.process = subprocess.Popen([peers.FIRN, "sql", *words], cwd=folder, stdin=follower, stdout=follower, stderr=follower, env=env, start_new_session=True,
                                        preexec_fn=lambda: __import__("fcntl").ioctl(0, __import__("termios").TIOCSCTTY, 0))
        os.close(follower)
        self.wait(PROMPT)

    def wait(self, what, within_s=60):
        """Until `what` shows; gives all that came before it."""
        until = time.monotonic() + within_s
        while what not in self.seen:
            ready = select.select([self.leader], [], [], max(0, until - time.monotonic()))[0]
            assert ready, f"{what!r} does not show: {self.seen[-2000:]!r}"
            try:
                self.seen += os.read(self.leader, 65536)
            except OSError as error:  # the other end is closed
                raise AssertionError(f"the prompt has ended: {self.seen[-2000:]!r}") from error
        before, _, self.seen = self.seen.partition(what)
        return before.decode("utf-8", "replace").replace("\r", "")

    def type(self, text):
        os.write(self.leader, text.encode())

    def ask(self, line):
        self.type(line + "\n")
        return self.wait(PROMPT)

    def end(self):
        time.sleep(0.3)  # an end of input that comes before the terminal is in the prompt's mode is lost
        self.type("\x04")
        status = self.process.wait(30)
        os.close(self.leader)
        return status


def statements_take_many_lines(folder):
    prompt = Terminal(folder)
    prompt.type("select 6\n")
    prompt.wait(MORE)
    shown = prompt.ask("  * 7 as answer;")
    assert re.search(r"answer\n-+\n +42\n\(1 row\)", shown), shown
    shown = prompt.ask("select 1 as a; select ';' as b;")
    assert shown.count("(1 row)") == 2, shown
    shown = prompt.ask("select nothing;")
    assert shown.count("Error: ") == 1, shown
    assert prompt.end() == 0


def dot_commands_answer(folder):
    prompt = Terminal(folder)
    assert ".format" in prompt.ask(".help")
    prompt.ask(".format csv")
    assert "a,b\n1,x\n" in prompt.ask("select 1 as a, 'x' as b;")
    assert "Error: " in prompt.ask(".format parquet")
    assert "Error: " in prompt.ask(".nonsense")
    prompt.ask(".format table")
    prompt.ask(".timing on")
    assert re.search(r"\d\.\d+ s", prompt.ask("select 1;"))
    prompt.ask(".max-rows 3")
    assert "(10 rows, 3 of them shown)" in prompt.ask("select * from range(10);")
    prompt.type(".quit\n")
    assert prompt.process.wait(30) == 0


def interrupts_stop_a_query_and_not_the_prompt(folder):
    prompt = Terminal(folder)
    prompt.type("select count(*) from range(100000000000) a where sin(a.range) > 2;\n")
    time.sleep(2)
    started = time.monotonic()
    prompt.type("\x03")
    assert "Error: " in prompt.wait(PROMPT, 30)
    assert time.monotonic() - started < 10
    assert "42" in prompt.ask("select 42;")
    prompt.type("select 'half")
    time.sleep(0.3)
    prompt.type("\x03")
    prompt.wait(PROMPT)
    assert "43" in prompt.ask("select 43;")
    assert prompt.end() == 0


def history_is_kept_but_for_lines_with_a_blank_in_front(folder):
    prompt = Terminal(folder)
    prompt.ask("select 'to be kept';")
    prompt.ask(" select 'not to be kept';")
    prompt.end()
    path = os.path.join(folder, ".local/state/firn/sql_history")
    with open(path, encoding="utf-8") as f:
        kept = f.read()
    assert "to\\040be\\040kept" in kept or "to be kept" in kept, kept
    assert "not" not in kept
    assert os.stat(path).st_mode & 0o077 == 0
    prompt = Terminal(folder)
    prompt.type("\x10")
    prompt.wait(b"kept")
    prompt.type("\n")
    prompt.wait(PROMPT)
    assert prompt.end() == 0


def names_are_completed(folder):
    peers.firn("ingest", "cloudevent.valid", "--quiet", cwd=folder, stdin=b"")
    prompt = Terminal(folder)
    prompt.type("select count(*) as n from cloudevent.dead_l\t;\n")
    prompt.wait(b"(1 row)")  # the line is drawn anew, prompt and all, when it is completed
    prompt.wait(PROMPT)
    prompt.type("sel\t 1 as one;\n")
    prompt.wait(b"(1 row)")
    prompt.wait(PROMPT)
    assert prompt.end() == 0


def a_person_who_closes_the_terminal_leaves_nothing_running(folder):
    prompt = Terminal(folder)
    prompt.type("select count(*) from range(100000000000) a where sin(a.range) > 2;\n")
    time.sleep(1)
    os.close(prompt.leader)
    os.kill(prompt.process.pid, signal.SIGHUP)
    prompt.process.wait(30)


if __name__ == "__main__":
    peers.run(statements_take_many_lines, dot_commands_answer, interrupts_stop_a_query_and_not_the_prompt,
              history_is_kept_but_for_lines_with_a_blank_in_front, names_are_completed, a_person_who_closes_the_terminal_leaves_nothing_running)
