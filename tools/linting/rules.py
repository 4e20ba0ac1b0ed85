"""The rules that read the text. Each is a generator of findings over a Tree; RULES at the end lists them all."""

import ast
import os
import re

from linting.source import deepest_nesting, is_macro_word, matching, name_of_function
from linting.tree import Finding, in_src, is_test

MAX_FUNCTION, MAX_C, MAX_HEADER, MAX_PARAMETERS, MAX_NESTING, MAX_LINE = 100, 1500, 500, 8, 4, 110


def layers(tree):
    """Every #include against tools/layers.txt."""
    earlier = set()
    for room, allowed in tree.rooms.items():
        for name in sorted(allowed - earlier):
            yield Finding("tools/layers.txt", 1, "layers", f"{room} may include {name}, which is not above it",
                          "a room may name only rooms above it; move the line or drop the name")
        earlier.add(room)
    for path in tree.c_files("src/"):
        room = tree.room_of(in_src(path))
        if room is None:
            yield Finding(path, 1, "layers", "it lies in no room", "move it into a room of tools/layers.txt or add its room there")
        elif not is_test(path):
            yield from includes_of(tree, path, room)


def includes_of(tree, path, room):
    for line, name, quoted in tree.source(path).includes():
        other = tree.room_of(name)
        if not quoted or other is None or other == room or other in tree.rooms[room]:
            continue
        yield Finding(path, line, "layers", f"{room} may not include {other} (\"{name}\")",
                      "pass what you need as a value or a table of functions, or change tools/layers.txt and say why in the commit")


def includes(tree):
    """Includes are written from the source root, name files that exist, and keep to their order and privacy."""
    for path in tree.c_files("src/"):
        listed = list(tree.source(path).includes())
        for line, name, quoted in listed:
            if quoted and not (tree.has("src/" + name) or is_test(path) and tree.has("tests/" + name)):
                yield Finding(path, line, "includes", f'there is no src/{name}', "write includes from the source root")
            if name.endswith("_internal.h") and os.path.dirname("src/" + name) != os.path.dirname(path):
                yield Finding(path, line, "includes", f"{name} is private to its folder",
                              "include the room's public header, or move what you need into one")
        own = re.sub(r"(_test)?\.c$", ".h", path)
        if path.endswith(".c") and tree.has(own) and (not listed or listed[0][1] != in_src(own)):
            yield Finding(path, listed[0][0] if listed else 1, "includes", "its own header is not included first",
                          f'make #include "{in_src(own)}" the first line of the includes')


def sizes(tree):
    """Lengths of functions, files and lines; counts of parameters; depth of nesting."""
    for path in tree.c_files():
        source = tree.source(path)
        most = MAX_HEADER if path.endswith(".h") else MAX_C
        if len(source.lines) > most and "long:" not in first_comment(source):
            yield Finding(path, most + 1, "sizes", f"{len(source.lines)} lines, more than {most}", "split it by meaning into two nouns")
        for number, text in enumerate(source.lines, 1):
            if len(text) > MAX_LINE:
                yield Finding(path, number, "sizes", f"{len(text)} columns, more than {MAX_LINE}", "break the line")
        for f in source.functions:
            yield from sizes_of(source, f)


def first_comment(source):
    return source.comments[0].text if source.comments and source.comments[0].line == 1 else ""


def sizes_of(source, f):
    length = f.end - f.start + 1
    if length > MAX_FUNCTION and "long:" not in source.comment_above(f.start):
        yield Finding(source.path, f.start, "sizes", f"{f.name} has {length} lines, more than {MAX_FUNCTION}",
                      "let one function decide and small ones do, or put /* long: why */ above a table or flat switch")
    if f.n_parameters > MAX_PARAMETERS:
        yield Finding(source.path, f.start, "sizes", f"{f.name} has {f.n_parameters} parameters, more than {MAX_PARAMETERS}",
                      "make an options struct, zero meaning the default")
    depth, line = deepest_nesting(f.body)
    if depth > MAX_NESTING:
        yield Finding(source.path, line, "sizes", f"{f.name} nests {depth} blocks deep, more than {MAX_NESTING}",
                      "branch on failure early, or make the inner loop a function")


USE_SNPRINTF = "use snprintf or a firn_builder"
USE_BYTES = "use firn_bytes with a builder or an arena"
USE_TIME = "use base/time.h"
BANNED = {
    "strcpy": USE_BYTES, "stpcpy": USE_BYTES, "strcat": USE_BYTES, "strncat": USE_BYTES, "strncpy": USE_BYTES,
    "sprintf": USE_SNPRINTF, "vsprintf": USE_SNPRINTF, "gets": "bound what you read",
    "strtok": "use a firn_cursor", "strtok_r": "use a firn_cursor",
    "atoi": "use a parser that reports errors", "atol": "use a parser that reports errors",
    "atoll": "use a parser that reports errors", "atof": "use a parser that reports errors",
    "gmtime": USE_TIME, "gmtime_r": USE_TIME, "localtime": USE_TIME, "localtime_r": USE_TIME, "mktime": USE_TIME,
    "alloca": "use an arena",
}


def banned(tree):
    """Functions that have something better in base, and goto."""
    for path in tree.c_files("src/", "tests/", "fuzz/", "bench/", "examples/"):
        source = tree.source(path)
        for line, name in source.calls():
            if name in BANNED:
                yield Finding(path, line, "banned", f"{name} is banned", BANNED[name])
        for f in source.functions:
            yield from gotos_of(source, f)


def gotos_of(source, f):
    jumps = [(i, t) for i, t in enumerate(f.body) if t.text == "goto" and t.kind == "word"]
    for n, (i, t) in enumerate(jumps):
        label = f.body[i + 1].text if i + 1 < len(f.body) else ""
        ahead = any(f.body[k].text == label and f.body[k + 1].text == ":" for k in range(i + 2, len(f.body) - 1))
        if n > 0 or not ahead or "goto:" not in source.comment_above(t.line):
            yield Finding(source.path, t.line, "banned", f"goto {label}",
                          "return early and let FIRN_AUTO clean up; one forward goto in a hot loop is fine with /* goto: why */ above it")


MEMORY = {"malloc", "calloc", "realloc", "reallocarray", "free", "strdup", "strndup", "asprintf", "vasprintf",
          "aligned_alloc", "posix_memalign"}
WORLD = {"time", "clock", "clock_gettime", "gettimeofday", "timespec_get", "getenv", "secure_getenv", "setenv", "rand", "srand",
         "random", "srandom", "drand48", "getrandom", "getentropy", "sleep", "usleep", "nanosleep"}
PRINTING = {"printf", "fprintf", "vprintf", "vfprintf", "dprintf", "puts", "fputs", "putchar", "perror", "exit", "_exit",
            "quick_exit", "abort", "syslog"}
# Names that a standard gives: the Arrow C data interface.
STANDARD_MACROS = ("ARROW_",)
# Each set, who is free of it, and what to do instead.
CONFINED = (
    ("memory", MEMORY, ("src/base/alloc.c", "src/apps/firn/line.c"), "use firn_alloc, firn_free or an arena, so that bounds and failures are one thing"),
    ("world", WORLD, ("src/base/ctx.c", "src/apps/"), "take it from firn_ctx, so that a test can run the whole system from a seed"),
    ("printing", PRINTING, ("src/base/log.c", "src/apps/", "src/services/"), "return a firn_status and let apps decide what a person sees"),
)


def confined(tree):
    """Memory, clock, randomness, environment, printing and exit, each only where it belongs."""
    for path in tree.library_files():
        for line, name in tree.source(path).calls():
            for rule, names, free, remedy in CONFINED:
                if name in names and not path.startswith(free):
                    yield Finding(path, line, rule, f"{name} is called outside {' and '.join(free)}", remedy)


def prototypes(tree):
    """A .c file declares nothing that another one defines."""
    for path in tree.library_files():
        if not path.endswith(".c"):
            continue
        for d in tree.source(path).declarations:
            words = [t.text for t in d]
            if words[0] == "extern":
                yield Finding(path, d[0].line, "prototypes", "extern in a .c file", "include the header that declares it")
            elif "static" not in words and words[0] not in ("typedef", "_Static_assert", "static_assert") and words[-1] == ")":
                at = name_of_function(d)
                if at is not None:
                    yield Finding(path, d[0].line, "prototypes", f"a prototype of {words[at]} without static in a .c file",
                                  "declare it in its header and include that, or make it static")


def must_use(tree):
    """FIRN_MUST_USE stands before every function of a header that returns firn_status."""
    for path in tree.library_files():
        if not path.endswith(".h"):
            continue
        source = tree.source(path)
        for head in source.declarations + [f.head for f in source.functions]:
            words = [t.text for t in head]
            at = name_of_function(head)
            if at is None or words[0] == "typedef" or "firn_status" not in words[:at]:
                continue
            if words[at - 1] == "firn_status" and "FIRN_MUST_USE" not in words[:at]:
                yield Finding(path, head[0].line, "must-use", f"{words[at]} returns firn_status without FIRN_MUST_USE",
                              "write FIRN_MUST_USE before it")


def names(tree):
    """What a header shows begins with firn_ or FIRN_ (a private header: its functions)."""
    for path in tree.library_files():
        if path.endswith(".h"):
            yield from names_of(tree.source(path), path.endswith("_internal.h"))


def names_of(source, private):
    def wrong(line, name, kind, prefix):
        return Finding(source.path, line, "names", f"{kind} {name}", f"begin its name with {prefix}")

    for head in source.declarations + [f.head for f in source.functions]:
        words = [t.text for t in head]
        at = name_of_function(head)
        if words[0] == "typedef":
            name = typedef_name(words)
            if not private and name and not name.startswith("firn_"):
                yield wrong(head[-1].line, name, "type", "firn_")
        elif at is not None and not words[at].startswith("firn_") and not (private and "static" in words):
            yield wrong(head[at].line, words[at], "function", "firn_")
        if not private:
            for token in enum_constants(head):
                if not token.text.startswith("FIRN_"):
                    yield wrong(token.line, token.text, "constant", "FIRN_")
    if not private:
        for line, name in source.macros():
            if not name.startswith(("FIRN_", "firn_") + STANDARD_MACROS):
                yield wrong(line, name, "macro", "FIRN_")


def typedef_name(words):
    if "}" in words:
        words = words[len(words) - words[::-1].index("}"):]
    for i in range(len(words) - 2):
        if words[i] == "(" and words[i + 1] == "*":
            return words[i + 2]
    plain = [w for w in words if re.match(r"[A-Za-z_]\w*$", w) and not is_macro_word(w)]
    return plain[-1] if plain and words[-1] != ")" else None


def enum_constants(head):
    for i, t in enumerate(head):
        if t.text == "{" and "enum" in [x.text for x in head[max(0, i - 2):i]]:
            for k in range(i + 1, matching(head, i)):
                if head[k - 1].text in ("{", ",") and head[k].kind == "word":
                    yield head[k]


def tests_beside(tree):
    """noun_test.c lies beside noun.c, and every room that has code has a test."""
    for path in tree.c_files("src/"):
        if path.endswith("_test.c") and not any(tree.has(noun + end) for noun in nouns_of_test(path) for end in (".c", ".h")):
            yield Finding(path, 1, "tests", f"there is no {os.path.basename(path)[:-len('_test.c')]}.c beside it",
                          "name a test after the file that it tests; noun_more_test.c is fine too")
    for room in tree.rooms:
        mine = [p for p in tree.c_files(f"src/{room}/") if tree.room_of(in_src(p)) == room]
        if any(p.endswith(".c") for p in mine) and not room.startswith("apps/") and not any(is_test(p) for p in mine):
            yield Finding(f"src/{room}", 1, "tests", "a room without a test", "put noun_test.c beside noun.c")


def nouns_of_test(path):
    """a/noun_more_test.c: a/noun_more and a/noun."""
    folder, name = os.path.split(path[:-len("_test.c")])
    words = name.split("_")
    return [os.path.join(folder, "_".join(words[:n])) for n in range(len(words), 0, -1)]


def room_pages(tree):
    """Each room has a README.md of at most a page."""
    for room in tree.rooms:
        page = f"src/{room}/README.md"
        if any(tree.room_of(in_src(p)) == room for p in tree.c_files(f"src/{room}/")):
            if not tree.has(page):
                yield Finding(page, 1, "pages", "the room has no page",
                              "say what it is for, its three main types, what it must not know, where to start reading")
            elif len(tree.read(page).splitlines()) > 70:
                yield Finding(page, 71, "pages", "longer than a page", "keep what a newcomer to the room needs")


# Each in two halves, so that this line is no finding itself.
LEFT_TO_DO = ("TO" "DO", "FIX" "ME", "X" "XX")
WITHOUT_ISSUE = re.compile(r"\b(" + "|".join(LEFT_TO_DO) + r")\b(?!\(#\d+\))")


def todos(tree):
    """What is left to do names its issue."""
    for path in tree.paths:
        if path.startswith(("src/", "tests/", "fuzz/", "bench/", "tools/", "cmake/", "examples/")) and is_text(path):
            for number, text in enumerate(tree.read(path).splitlines(), 1):
                if WITHOUT_ISSUE.search(text):
                    yield Finding(path, number, "todos", "what is left to do has no issue", f"write {LEFT_TO_DO[0]}(#n), or do it")


def is_text(path):
    return path.endswith((".c", ".h", ".py", ".sh", ".cmake", ".txt", ".md")) or "." not in os.path.basename(path)


def scripts(tree):
    """Python files parse. (Shell is checked where bash is, in outside.py.)"""
    for path in tree.paths:
        if path.endswith(".py"):
            try:
                ast.parse(tree.read(path))
            except SyntaxError as e:
                yield Finding(path, e.lineno or 1, "scripts", f"Python cannot parse it ({e.msg})", "mend the syntax")


LEDGERS = ("docs/status.md", "docs/spec-map.md", "docs/decisions.md")
TEST_NAME = re.compile(r"`((?:[a-z0-9_]+/)*[a-z0-9_]+_test|(?:end_to_end|interop)/[a-z0-9_]+)(?:: ([a-z0-9_]+))?`")


def ledgers(tree):
    """Tests that the ledgers name (`room/noun_test: sentence`) exist, and what is called done or part names one."""
    for path in LEDGERS:
        for number, text in enumerate(tree.read(path).splitlines() if tree.has(path) else [], 1):
            named = TEST_NAME.findall(text)
            for test, sentence in named:
                yield from missing_test(tree, path, number, test, sentence)
            if re.match(r"\|[^|]+\| *(done|part) *\|", text) and not named:
                yield Finding(path, number, "ledgers", "called done or part, but no test is named", "name the test that shows it")


def missing_test(tree, path, number, test, sentence):
    files = [f for f in (f"src/{test}.c", f"tests/{test}.c", f"tests/{test}.py", f"tests/{test}.sh") if tree.has(f)]
    if not files:
        yield Finding(path, number, "ledgers", f"there is no test {test}", "name a test that exists, as ctest names it")
    elif sentence and not any(re.search(rf"\b{sentence}\b", tree.read(f)) for f in files):
        yield Finding(path, number, "ledgers", f"{files[0]} has no {sentence}", "name a test that exists")


RULES = (layers, includes, sizes, banned, confined, prototypes, must_use, names, tests_beside, room_pages, todos, ledgers, scripts)
