"""YAML as firn reads it, against a Python reader that leaves every scalar as text (PyYAML's BaseLoader, or ruamel's)."""

import glob
import json
import os
import random
import subprocess
import warnings

import peers

warnings.simplefilter("ignore")  # of an anchor that is given again, which YAML allows
TOOL = os.path.join(peers.BUILD, "yaml_tool")
ODD = ["no", "NO", "0o14", "014", "1_000", "~", "null", "2025-01-01", "12:30:45", ".inf", "1e3", "", " ", "a: b", "- a", "#c", "a #b", "${X}", "'", '"',
       "\\", "a\nb", "a\n", "\n", "\t", "ä", "\u2028", "\U0001F9CA", "x" * 200, "word " * 40, "{a}", "[", "&a", "*a", "!t", "%d", "@", "`", "|", ">", "?", ":", "-",
       "---", "...", "<<", "=", "true", "\x85", "\u00a0", "trailing ", " leading"]


def reader():
    try:
        import yaml
        return yaml
    except ImportError:
        pass
    try:
        from strictyaml import ruamel
        return ruamel
    except ImportError:
        peers.skip("there is neither PyYAML nor strictyaml")


def firn_reads(texts):
    run = subprocess.run([TOOL], input=b"\0".join(texts) + b"\0", capture_output=True, timeout=300)
    assert run.returncode == 0, run.stderr.decode()
    answers = [json.loads(line) for line in run.stdout.decode().split("\n")[:-1]]
    assert len(answers) == len(texts)
    return answers


def plain(value):
    """Nothing at all and an empty text are one to BaseLoader."""
    if isinstance(value, dict):
        return {key: plain(v) for key, v in value.items()}
    if isinstance(value, list):
        return [plain(v) for v in value]
    return "" if value is None else value


def python_reads(module, text):
    """(why it is no YAML, or None; its value)."""
    try:
        return None, plain(module.load(text.decode(), Loader=module.BaseLoader))
    except Exception as failure:  # each version has its own; a key that is a map is a TypeError
        return str(failure), None


def some_value(dice, depth=0):
    kind = dice.random()
    if depth < 4 and kind < 0.3:
        return {dice.choice(ODD[:8] + ["key", "other key", "k-e_y", "ä"]): some_value(dice, depth + 1) for _ in range(dice.randrange(4))}
    if depth < 4 and kind < 0.55:
        return [some_value(dice, depth + 1) for _ in range(dice.randrange(4))]
    return dice.choice(ODD)


def what_python_writes_is_read_as_it_was(folder):
    module = reader()
    dice = random.Random(4)
    values = [some_value(dice) for _ in range(1500)]
    texts = []
    for value in values:
        style = {"default_flow_style": dice.choice([True, False, None]), "default_style": dice.choice([None, None, '"', "'", "|", ">"]),
                 "width": dice.choice([20, 80, 10_000]), "indent": dice.choice([2, 4, 8]), "allow_unicode": dice.random() < 0.5}
        texts.append(module.dump(value, Dumper=module.SafeDumper, **style).replace("!!str ", "").encode())
    n_same = 0
    for value, text, answer in zip(values, texts, firn_reads(texts)):
        if answer["status"] != "FIRN_OK":  # a folded text of one tab, as ruamel writes it
            assert b"\t" in text, f"{text!r}: {answer}"
            continue
        why, theirs = python_reads(module, text)  # ruamel does not read all that it writes
        assert why is not None or plain(answer["tree"]) == theirs, f"{text!r}: {answer['tree']!r} is not {theirs!r}"
        n_same += theirs == value  # a line break that is not ASCII does not always come back, from itself neither
    assert n_same > 0.9 * len(values), n_same


def plain_oddities_stay_text(folder):
    module = reader()
    texts = [f"a: {word}\nb: [{word}, '{word}']\nc: \"{word}\"\n".encode() for word in ODD[:11]]
    for word, text, answer in zip(ODD, texts, firn_reads(texts)):
        assert answer == {"status": "FIRN_OK", "tree": {"a": word, "b": [word, word], "c": word}}, answer
        assert python_reads(module, text)[1] == answer["tree"]


def both_agree_on_text_that_was_changed(folder):
    """What both read they read the same. What only one takes is an edge of the libraries (a tab as white space, an empty key, an
    anchor that is given again), and rare."""
    module = reader()
    dice = random.Random(5)
    seeds = [open(path, "rb").read() for path in sorted(glob.glob(os.path.join(peers.ROOT, "fuzz/seeds/yaml/*")) +
                                                        glob.glob(os.path.join(peers.ROOT, "examples/*.yaml")))]
    assert len(seeds) > 5
    texts = []
    for _ in range(6000):
        text = bytearray(dice.choice(seeds))
        for _ in range(dice.randrange(1, 4)):
            at = dice.randrange(len(text) + 1)
            what = dice.randrange(4)
            if what == 0:
                text[at:at] = dice.choice(b" \n:-[]{}&*#'\"|>%,?a0\t").to_bytes(1, "little") * dice.randrange(1, 3)
            elif what == 1:
                del text[at:at + dice.randrange(1, 9)]
            elif what == 2 and at < len(text):
                text[at] = dice.choice(b" \n:-[]{}&*#'\"|>%,?a0")
            else:
                text[at:at] = text[dice.randrange(len(text) + 1):][:dice.randrange(30)]
        texts.append(bytes(text).replace(b"\0", b""))
    n_read = n_alone = 0
    for text, answer in zip(texts, firn_reads(texts)):
        why, value = python_reads(module, text)
        if answer["status"] == "FIRN_OK" and why is None:
            n_read += 1
            assert value == plain(answer["tree"]), f"{text!r}: {answer['tree']!r} is not {value!r}"
        elif answer["status"] in ("FIRN_OK", "FIRN_CORRUPT") and (answer["status"] == "FIRN_OK") != (why is None):
            n_alone += "duplicate" not in (why or "") and "given again" not in answer.get("text", "")
    print(f"  {n_read} of {len(texts)} read by both, {n_alone} by one alone")
    assert n_read > 1000 and n_alone < 0.03 * len(texts)


peers.run(what_python_writes_is_read_as_it_was, plain_oddities_stay_text, both_agree_on_text_that_was_changed)
