"""What the pages of docs/man say of commands and options is what the program takes, no more and no less."""

import re

import peers

GLOBAL = {"--catalog", "--warehouse", "--format", "--quiet", "--help"}


def options(text):
    """The options that are described: at the start of a line, after blanks."""
    return set(re.findall(r"^\s+(--[a-z-]+)", text, re.MULTILINE))


def commands():
    """("table show", ...) as the program lists them."""
    return re.findall(r"^\s+firn ((?:[a-z]+ )*?[a-z]+)(?= [A-Z\[]|\s{2,}|$)", peers.firn("--help").stdout, re.MULTILINE)


def every_command_has_a_page_that_names_it(folder):
    found = commands()
    assert len(found) >= 16, found
    for command in found:
        page = peers.firn("help", command.split()[0]).stdout
        assert f"firn {command}" in page, f"the page of {command.split()[0]} does not name firn {command}"


def pages_name_just_the_options_that_there_are(folder):
    taken = {}
    for command in commands():
        mine = options(peers.firn(*command.split(), "--help").stdout.split("Options of every command")[0])
        taken.setdefault(command.split()[0], set()).update(mine)
    for name, wanted in taken.items():
        described = options(peers.firn("help", name).stdout)
        assert described == wanted, f"{name}: the page and the program differ in {sorted(described ^ wanted)}"
    assert options(peers.firn("help").stdout) == GLOBAL


def wrong_usage_is_told_apart(folder):
    for words in (["frobnicate"], ["table", "frobnicate"], ["table", "show"], ["table", "cat", "a.b", "--frobnicate"], ["help", "frobnicate"],
                  ["ingest"], ["table", "cat", "a.b", "--limit"], ["table", "show", "a.b", "--format", "yaml"]):
        said = peers.firn(*words, cwd=folder, status=2)
        assert said.stderr and not said.stdout, f"{words}: {said.stderr}"


peers.run(every_command_has_a_page_that_names_it, pages_name_just_the_options_that_there_are, wrong_usage_is_told_apart)
