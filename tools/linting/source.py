"""One C file as tokens, functions and declarations: just enough of the language for the rules, and no more."""

import re

TOKEN = re.compile(
    r"""
    (?P<comment>/\*.*?\*/|//[^\n]*)
  | (?P<directive>^[ \t]*\#(?:\\\n|/\*.*?\*/|[^\n])*)
  | (?P<string>(?:u8|[uUL])?"(?:\\.|[^"\\\n])*")
  | (?P<char>[uUL]?'(?:\\.|[^'\\\n])*')
  | (?P<word>[A-Za-z_]\w*)
  | (?P<number>\.?\d(?:[eEpP][+-]|[\w.])*)
  | (?P<sign>->|\.\.\.|[^\s\w])
    """,
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)

BLOCK_WORDS = {"if", "for", "while", "switch"}
NOT_A_NAME = BLOCK_WORDS | {"return", "sizeof", "__attribute__", "__extension__", "__typeof__", "_Alignas", "_Static_assert"}


class Token:
    __slots__ = ("kind", "text", "line")

    def __init__(self, kind, text, line):
        self.kind, self.text, self.line = kind, text, line

    def __repr__(self):
        return f"{self.text!r}:{self.line}"


class Function:
    """A definition: where it stands, its parameters, the tokens of its body without the outer braces."""

    def __init__(self, name, start, end, n_parameters, head, body):
        self.name, self.start, self.end = name, start, end
        self.n_parameters, self.head, self.body = n_parameters, head, body


class Source:
    """path is relative to the root; line numbers count from 1."""

    def __init__(self, path, text):
        self.path, self.text = path, text
        self.lines = text.split("\n")
        if self.lines and self.lines[-1] == "":
            self.lines.pop()
        self.tokens, self.comments, self.directives = [], [], []
        self._tokenize()
        self.functions, self.declarations = [], []
        self._divide()

    def _tokenize(self):
        line, at = 1, 0
        for match in TOKEN.finditer(self.text):
            line += self.text.count("\n", at, match.start())
            at = match.start()
            token = Token(match.lastgroup, match.group(), line)
            {"comment": self.comments, "directive": self.directives}.get(token.kind, self.tokens).append(token)

    def includes(self):
        """(line, name, quoted) of every #include."""
        for d in self.directives:
            found = re.match(r'\s*#\s*include\s*(["<])([^">]+)[">]', d.text)
            if found:
                yield d.line, found.group(2), found.group(1) == '"'

    def macros(self):
        """(line, name) of every #define."""
        for d in self.directives:
            found = re.match(r"\s*#\s*define\s+(\w+)", d.text)
            if found:
                yield d.line, found.group(1)

    def calls(self):
        """(line, name) of everything that looks like a call, macro bodies included, members (x.free()) not."""
        yield from calls_in(self.tokens)
        for d in self.directives:
            body = re.match(r"\s*#\s*define\s+\w+(?:\([^)]*\))?", d.text)
            if body:
                rest = d.text[body.end():]
                line = d.line
                tokens = [Token(m.lastgroup, m.group(), line + rest.count("\n", 0, m.start())) for m in TOKEN.finditer(rest)]
                yield from calls_in([t for t in tokens if t.kind != "comment"])

    def comment_above(self, line):
        """The text of the comment that ends on the line above, or on the line itself before the code; or ''."""
        for c in self.comments:
            last = c.line + c.text.count("\n")
            if last in (line - 1, line):
                return c.text
        return ""

    def _divide(self):
        """Splits the file's outermost level into functions and declarations."""
        start, i, tokens = 0, 0, self.tokens
        while i < len(tokens):
            text = tokens[i].text
            if text == "{":
                end = matching(tokens, i)
                head = tokens[start:i]
                name_at = name_of_function(head)
                if name_at is not None:
                    self._add_function(head, name_at, tokens[i + 1:end], tokens[min(end, len(tokens) - 1)].line)
                    start = end + 1
                i = end
            elif text in ("(", "["):
                i = matching(tokens, i)
            elif text == ";":
                if i > start:
                    self.declarations.append(tokens[start:i])
                start = i + 1
            i += 1

    def _add_function(self, head, name_at, body, end_line):
        group = head[name_at + 2:matching(head, name_at + 1)]
        self.functions.append(Function(head[name_at].text, head[0].line, end_line, count_parameters(group), head, body))


def calls_in(tokens):
    for i in range(len(tokens) - 1):
        t = tokens[i]
        if t.kind == "word" and tokens[i + 1].text == "(" and not (i > 0 and tokens[i - 1].text in (".", "->")):
            yield t.line, t.text


def matching(tokens, at):
    """The index of the bracket that closes the one at `at`; the last index when none does."""
    pairs = {"(": ")", "[": "]", "{": "}"}
    opens, closes, depth = tokens[at].text, pairs[tokens[at].text], 0
    for i in range(at, len(tokens)):
        if tokens[i].text == opens:
            depth += 1
        elif tokens[i].text == closes:
            depth -= 1
            if depth == 0:
                return i
    return len(tokens) - 1


def is_macro_word(text):
    return text.isupper() or text.startswith("FIRN_")


def name_of_function(head):
    """The index in `head` (what stands before a top-level brace or semicolon) of the function's name, or None."""
    i = 0
    while i < len(head):
        text = head[i].text
        if text == "=":
            return None
        if text in ("(", "[", "{"):
            before = head[i - 1] if i > 0 else None
            if text == "(" and before is not None and before.kind == "word" and before.text not in NOT_A_NAME:
                if not is_macro_word(before.text):
                    return i - 1
            i = matching(head, i)
        i += 1
    return None


def count_parameters(group):
    if not group or [t.text for t in group] == ["void"]:
        return 0
    n, i = 1, 0
    while i < len(group):
        if group[i].text in ("(", "[", "{"):
            i = matching(group, i)
        elif group[i].text == ",":
            n += 1
        i += 1
    return n


def deepest_nesting(body):
    """(depth, line) of the most deeply nested block in a function's body; initialisers and literals do not count."""
    stack, deepest, line, parens = [], 0, 0, []
    closed_by = None  # what stood before the ( that the last ) closed
    for i, t in enumerate(body):
        before = body[i - 1] if i > 0 else None
        if t.text == "(":
            parens.append(before)
        elif t.text == ")":
            closed_by = parens.pop() if parens else None
        elif t.text == "{":
            if before is None or before.text in (";", "{", "}", ":", "else", "do"):
                is_block = not (stack and not stack[-1]) or before is not None and before.text == ";"
            elif before.text == ")":
                word = closed_by is not None and closed_by.kind == "word"
                is_block = word and closed_by.text not in NOT_A_NAME - BLOCK_WORDS
            else:
                is_block = False
            stack.append(is_block)
            depth = sum(stack)
            if is_block and depth > deepest:
                deepest, line = depth, t.line
        elif t.text == "}" and stack:
            stack.pop()
    return deepest, line
