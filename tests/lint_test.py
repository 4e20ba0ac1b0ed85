"""Every rule of tools/lint fires on a bad sample, where it should and with a remedy, and is quiet on a good one.

A sample is a small tree: files by path. BAD names the rule and the line that it must find; no other rule may speak up about it.
"""

import os
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tools"))

from linting import outside, rules, tree  # noqa: E402

GOOD = {
    "tools/layers.txt": "base:\ncolumn:    base\napps/firn: base column\n",
    "src/base/README.md": "base\n",
    "src/column/README.md": "column\n",
    "src/apps/firn/README.md": "apps\n",
    "src/base/thing.h": """/* A thing. */
#ifndef FIRN_BASE_THING_H
#define FIRN_BASE_THING_H

#define FIRN_MUST_USE __attribute__((warn_unused_result))

typedef enum firn_status { FIRN_OK = 0, FIRN_BAD } firn_status;

typedef struct firn_thing {
  firn_status (*read)(void *self, int n);
  void (*free)(void *self);
} firn_thing;

typedef firn_status (*firn_task)(void *arg);

FIRN_MUST_USE firn_status firn_thing_read(const firn_thing *thing, int n);
FIRN_MUST_USE static inline firn_status firn_thing_check(const firn_thing *thing) {
  return thing == 0 ? FIRN_BAD : FIRN_OK;
}

#endif
""",
    "src/base/thing.c": """#include "base/thing.h"

static const int table[2][2] = {{1, 2}, {3, 4}};

static firn_status helper(int n);

static firn_status helper(int n) {
  return n > table[0][1] ? FIRN_BAD : FIRN_OK;
}

firn_status firn_thing_read(const firn_thing *thing, int n) {
  for (int i = 0; i < n; i++) {
    if (i > 3) {
      while (n > 0) {
        if (n-- == 2) {
          thing->free(&(struct {int a[2];}){{1, 2}});
        }
      }
    }
  }
  const char *text = "strcpy(a, b) and malloc(1)"; /* free(text), printf("x") */
  return text == 0 ? thing->read((void *)thing, n) : helper(n);
}
""",
    "src/base/thing_test.c": '#include "base/thing.h"\n\n#include <stdlib.h>\n\nint main(void) {\n  free(malloc(1));\n  return 0;\n}\n',
    "src/column/row.h": '#ifndef FIRN_COLUMN_ROW_H\n#define FIRN_COLUMN_ROW_H\n\n#include "base/thing.h"\n\n#endif\n',
    "src/column/row.c": '#include "column/row.h"\n\n#include "base/thing.h"\n',
    "src/column/row_test.c": '#include "column/row.h"\n\nint main(void) {\n  return 0;\n}\n',
    "src/apps/firn/main.c": '#include <stdio.h>\n#include <stdlib.h>\n\nint main(void) {\n  (void)puts(getenv("HOME"));\n  return 0;\n}\n',
}

C = "src/base/thing.c"
H = "src/base/thing.h"


def with_line(path, line):
    """The good file with one more line at its end (before a header's #endif); and the number of that line."""
    text = GOOD[path]
    if path.endswith(".h"):
        text = text[:text.rindex("#endif")] + line + "\n\n#endif\n"
        return text, text[:text.index(line)].count("\n") + 1
    return text + "\n" + line + "\n", text.count("\n") + 2


def body(*lines):
    return "void firn_sample(int n) {\n" + "".join(f"  {line}\n" for line in lines) + "}"


# (rule, path, line to add, how many lines below the added one's first the finding stands, part of the finding)
ADDED = (
    ("layers", C, '#include "column/row.h"', 0, "base may not include column"),
    ("includes", "src/column/row.c", '#include "base/nothing.h"', 0, "there is no src/base/nothing.h"),
    ("sizes", C, body(*["n++;"] * 100), 0, "firn_sample has 102 lines"),
    ("sizes", C, "void firn_sample(int a, int b, int c, int d, int e, int f, int g, int h, void (*i)(int, int)) {}", 0, "9 parameters"),
    ("sizes", C, body("if (n) {", "for (;;) {", "while (n) {", "do {", "switch (n) {", "}", "} while (n);", "}", "}", "}"), 5, "nests 5"),
    ("sizes", C, "/* " + "é" * 110 + " */", 0, "116 columns"),
    ("banned", C, body("strcpy(0, 0);"), 1, "strcpy is banned"),
    ("banned", C, "#define SAMPLE(x) sprintf(x, \"\")", 0, "sprintf is banned"),
    ("banned", C, body("again:", "n++;", "/* goto: backwards */", "goto again;"), 4, "goto again"),
    ("banned", C, body("goto out;", "out:", "n++;"), 1, "goto out"),
    ("memory", C, body("free(0);"), 1, "free is called"),
    ("world", C, body("(void)time(0);"), 1, "time is called"),
    ("printing", C, body('printf("%d", n);'), 1, "printf is called"),
    ("printing", C, body("exit(n);"), 1, "exit is called"),
    ("prototypes", C, "extern int firn_other;", 0, "extern"),
    ("prototypes", C, "int firn_other(int n);", 0, "prototype of firn_other"),
    ("must-use", H, "firn_status firn_sample(int n);", 0, "firn_sample returns firn_status"),
    ("must-use", H, "static inline firn_status firn_sample(int n) {\n  return n ? FIRN_BAD : FIRN_OK;\n}", 0, "firn_sample"),
    ("names", H, "void sample(int n);", 0, "function sample"),
    ("names", H, "typedef struct sample { int a; } sample;", 0, "type sample"),
    ("names", H, "typedef void (*sample)(int a);", 0, "type sample"),
    ("names", H, "enum { FIRN_A, SAMPLE_B };", 0, "constant SAMPLE_B"),
    ("names", H, "#define SAMPLE 1", 0, "macro SAMPLE"),
    ("todos", C, "/* TO" "DO: later */", 0, "no issue"),
)

# (rule, path, whole new text or None to leave the file out, line, part)
WHOLE = (
    ("layers", "src/strange/x.c", "", 1, "in no room"),
    ("layers", "tools/layers.txt", "base: column\ncolumn: base\napps/firn: base column\n", 1, "base may include column, which is not above"),
    ("includes", "src/column/row.c", '#include "base/thing.h"\n#include "column/row.h"\n', 1, "own header is not included first"),
    ("sizes", "src/base/long.c", "/* a */\n" + "static int a;\n" * 1500, 1501, "1501 lines"),
    ("sizes", "src/base/long.h", "/* a */\n" + "\n" * 500, 501, "501 lines"),
    ("tests", "src/base/nothing_test.c", "int main(void) {\n  return 0;\n}\n", 1, "no nothing.c beside it"),
    ("tests", "src/column/row_test.c", None, 1, "a room without a test"),
    ("pages", "src/column/README.md", None, 1, "no page"),
    ("pages", "src/column/README.md", "line\n" * 71, 71, "longer than a page"),
    ("ledgers", "docs/status.md", "| a | done | `base/thing_test: main` |\n| b | part | `base/other_test` |\n", 2, "no test base/other_test"),
    ("ledgers", "docs/status.md", "| b | part | `base/thing_test: sings` |\n", 1, "has no sings"),
    ("ledgers", "docs/status.md", "| b | done | we are sure |\n", 1, "no test is named"),
    ("scripts", "tools/bad.py", "def f(:\n", 1, "Python cannot parse"),
    ("scripts", "tools/bad.sh", "#!/bin/bash\nif true; then\n", 3, "bash cannot parse"),
    ("headers", "src/base/alone.h", "static inline unsigned firn_alone(void) {\n  return (unsigned)sizeof(uint8_t);\n}\n", 2, "does not compile alone"),
    ("format", "src/base/form.c", "int   firn_x;\n", 1, "not as .clang-format has it"),
)

QUIET = (
    ("a long table that says why", C, "/* long: a table of cases */\n" + body(*["n++;"] * 100)),
    ("one forward goto with its reason", C, body("/* goto: the hot loop's one exit */", "goto out;", "out:", "n++;")),
    ("something left to do that has an issue", C, "/* TO" "DO(#12): later */"),
    ("a struct with functions in it", H, "struct firn_ops {\n  void (*release)(struct firn_ops *self);\n};"),
    ("a member of a banned name", C, body("struct { void (*free)(int); } s = {0};", "s.free(n);")),
)


def lay(files):
    root = tempfile.mkdtemp(prefix="firn-lint-")
    for path, text in files.items():
        full = os.path.join(root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as f:
            f.write(text)
    return root


def findings(files, formatter=False):
    root = lay(files)
    try:
        if formatter:
            for name in (".clang-format", "tools/requirements.in"):
                shutil.copy(os.path.join(ROOT, name), os.path.join(root, name))
            if os.path.exists(os.path.join(ROOT, ".venv")):
                os.symlink(os.path.join(ROOT, ".venv"), os.path.join(root, ".venv"))
        looked_at, notes = tree.Tree(root), []
        found = [by(rule, f) for rule in rules.RULES for f in rule(looked_at)]
        found += [by(rule, f) for rule in outside.OUTSIDE for f in rule(looked_at, notes)]
        return found, notes
    finally:
        shutil.rmtree(root)


def by(rule, finding):
    finding.by = rule.__name__
    return finding


class Score:
    def __init__(self):
        self.n, self.failures, self.fired = 0, [], set()

    def expect(self, name, ok, detail):
        self.n += 1
        if not ok:
            self.failures.append(f"{name}: {detail}")

    def expect_one(self, found, rule, path, line, part):
        hits = [f for f in found if f.rule == rule and f.path == path and f.line == line and part in f.what]
        others = [str(f) for f in found if f.rule != rule]
        self.expect(f"{rule}: {part}", hits and not others and all(f.remedy for f in hits), [str(f) for f in found])
        self.fired |= {f.by for f in hits}


def check_samples(score):
    found, _ = findings(GOOD)
    score.expect("the good sample is quiet", not found, [str(f) for f in found])
    for rule, path, line, below, part in ADDED:
        text, number = with_line(path, line)
        score.expect_one(findings({**GOOD, path: text})[0], rule, path, number + below, part)
    for rule, path, text, line, part in WHOLE:
        files = {p: t for p, t in {**GOOD, path: text}.items() if t is not None}
        if rule == "format":
            files = {path: text, "tools/layers.txt": "base:\n", "src/base/README.md": "base\n", "src/base/form_test.c": "int firn_y;\n"}
        found, notes = findings(files, formatter=rule == "format")
        if rule == "format" and any(n.startswith("format: not checked") for n in notes):
            print("SKIPPED format: " + "; ".join(notes))
            score.fired.add("formatted")
            continue
        score.expect_one(found, rule, path if text is not None or rule == "pages" else os.path.dirname(path), line, part)
    for name, path, line in QUIET:
        found, _ = findings({**GOOD, path: with_line(path, line)[0]})
        score.expect(name, not found, [str(f) for f in found])


def check_private_header(score):
    private = {"src/column/deep/x_internal.h": "#ifndef FIRN_X\n#define FIRN_X\n\ntypedef int small;\n\n#endif\n",
               "src/column/deep/x.c": '#include "column/deep/x_internal.h"\n'}
    found, _ = findings({**GOOD, **private})
    score.expect("a private header in its own folder", not found, [str(f) for f in found])
    text, number = with_line("src/column/row.c", '#include "column/deep/x_internal.h"')
    score.expect_one(findings({**GOOD, **private, "src/column/row.c": text})[0], "includes", "src/column/row.c", number, "private to its folder")


def check_symbols(score):
    root = lay({**GOOD, "src/base/seen.c": "int sample(void);\nint sample(void) {\n  return 0;\n}\n"})
    try:
        os.mkdir(os.path.join(root, "build"))
        subprocess.check_call(["gcc", "-c", "src/base/seen.c", "-o", "build/seen.o"], cwd=root)
        subprocess.check_call(["ar", "rc", "build/libfirn_base.a", "build/seen.o"], cwd=root)
        found = outside.symbols(tree.Tree(root), [])
        score.expect("symbols", len(found) == 1 and "the linker sees sample" in found[0].what, [str(f) for f in found])
        score.fired.add("symbols")
    finally:
        shutil.rmtree(root)


def check_tidy(score):
    """clang-tidy runs with our settings and finds a plain mistake."""
    mistake = "int firn_sample(int n);\nint firn_sample(int n) {\n  int v;\n  return n > 0 ? v + 1 : n;\n}\n"
    root = lay({"tools/layers.txt": "base:\n", "src/base/bad.c": mistake})
    try:
        for name in (".clang-tidy", "tools/requirements.in"):
            shutil.copy(os.path.join(ROOT, name), os.path.join(root, name))
        if os.path.exists(os.path.join(ROOT, ".venv")):
            os.symlink(os.path.join(ROOT, ".venv"), os.path.join(root, ".venv"))
        os.mkdir(os.path.join(root, "build"))
        with open(os.path.join(root, "build/compile_commands.json"), "w", encoding="utf-8") as f:
            f.write(f'[{{"directory": "{root}", "command": "gcc -c src/base/bad.c", "file": "{root}/src/base/bad.c"}}]')
        notes = []
        found = outside.tidy(tree.Tree(root), "all", "build", notes)
        if any("not checked" in n for n in notes):
            print("SKIPPED tidy: " + "; ".join(notes))
        else:
            score.expect("tidy", any(f.line == 4 and "undefined" in f.what or "garbage" in f.what for f in found), [str(f) for f in found] + notes)
    finally:
        shutil.rmtree(root)


def main():
    score = Score()
    check_samples(score)
    check_private_header(score)
    check_symbols(score)
    check_tidy(score)
    rules_there_are = {rule.__name__ for rule in rules.RULES + outside.OUTSIDE}
    score.expect("every rule has a bad sample", score.fired == rules_there_are, sorted(score.fired ^ rules_there_are))
    for failure in score.failures:
        print("FAILED " + failure)
    print(f"{score.n - len(score.failures)} of {score.n} samples are right")
    return 1 if score.failures else 0


sys.exit(main())
