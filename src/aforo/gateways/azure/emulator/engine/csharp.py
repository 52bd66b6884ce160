"""C# expressions of policies, read into trees: `@(expression)`, and `@{ var x = …; return …; }`.

Only what an expression is made of: no loops, no lambdas, no assignment but `var`.
"""

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from aforo.gateways.azure.emulator.engine import NotEmulated

_TOKEN: Final = re.compile(
    r'\s+|//[^\n]*|/\*.*?\*/|(?P<text>@"(?:""|[^"])*"|"(?:\\.|[^"\\])*")|(?P<number>\d+(?:\.\d+)?[dDmMlL]?)'
    r"|(?P<name>[A-Za-z_]\w*)|(?P<sign>\?\?|\?\.|&&|\|\||==|!=|<=|>=|[-+*/%!<>()\[\]{}?:.,;=])",
    re.DOTALL,
)
_CASTS: Final = ("string", "int", "long", "double", "bool", "JObject", "JArray", "IResponse")
_LEVELS: Final = (("||",), ("&&",), ("==", "!="), ("<", ">", "<=", ">="), ("+", "-"), ("*", "/", "%"))


@dataclass(frozen=True, slots=True)
class Tree:
    """`what` says which of the others count: name, literal, member, call, index, new, cast, unary, binary, choice."""

    what: str
    name: str = ""
    parts: tuple["Tree", ...] = ()
    value: Any = None
    unless_null: bool = False


@dataclass(frozen=True, slots=True)
class Body:
    """Variables in their order, then what is returned."""

    variables: tuple[tuple[str, Tree], ...]
    result: Tree


def read(text: str) -> Body:
    """A whole expression with its `@`. Raises NotEmulated for C# that is not read here."""
    reader = _Reader(text)
    if text.startswith("@("):
        body = Body((), reader.whole())
    elif text.startswith("@{"):
        body = reader.statements()
    else:
        raise NotEmulated(f"no expression: {text[:60]}")
    if reader.at != len(reader.tokens):
        raise reader.fault()
    return body


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = _tokens(text[1:])
        self.at = 0

    def fault(self) -> NotEmulated:
        near = self.tokens[self.at][1] if self.at < len(self.tokens) else "its end"
        return NotEmulated(f"C# near {near!r} in {self.text[:200]}")

    def whole(self) -> Tree:
        self._take("(")
        tree = self._choice()
        self._take(")")
        return tree

    def statements(self) -> Body:
        self._take("{")
        variables: list[tuple[str, Tree]] = []
        while self._took("var"):
            name = self._name()
            self._take("=")
            variables.append((name, self._choice()))
            self._take(";")
        self._take("return")
        result = self._choice()
        self._take(";")
        self._take("}")
        return Body(tuple(variables), result)

    def _choice(self) -> Tree:
        condition = self._otherwise()
        if not self._took("?"):
            return condition
        then = self._choice()
        self._take(":")
        return Tree("choice", parts=(condition, then, self._choice()))

    def _otherwise(self) -> Tree:
        left = self._binary(0)
        return Tree("binary", "??", (left, self._otherwise())) if self._took("??") else left

    def _binary(self, level: int) -> Tree:
        if level == len(_LEVELS):
            return self._unary()
        left = self._binary(level + 1)
        while self._sees(*_LEVELS[level]):
            sign = self._next()
            left = Tree("binary", sign, (left, self._binary(level + 1)))
        return left

    def _unary(self) -> Tree:
        if self._sees("!", "-"):
            return Tree("unary", self._next(), (self._unary(),))
        ahead = [token for _, token in self.tokens[self.at : self.at + 4]]
        if ahead[:1] == ["("] and ahead[1:2] and ahead[1] in _CASTS and ahead[2] in (")", "?"):
            self.at += 4 if ahead[2] == "?" else 3
            return Tree("cast", ahead[1], (self._unary(),), value=ahead[2] == "?")
        return self._after(self._first())

    def _first(self) -> Tree:
        if self._sees("("):
            return self.whole()
        if self._took("new"):
            name = self._name()
            return Tree("new", name, self._arguments())
        if self.at >= len(self.tokens):
            raise self.fault()
        kind, token = self.tokens[self.at]
        if kind == "text":
            self.at += 1
            return Tree("literal", value=_unquoted(token))
        if kind == "number":
            self.at += 1
            plain = token.rstrip("dDmMlL")
            return Tree("literal", value=float(plain) if "." in plain or token[-1] in "dD" else int(plain))
        name = self._name()
        if name in _WORDS:
            return Tree("literal", value=_WORDS[name])
        return Tree("name", name)

    def _after(self, tree: Tree) -> Tree:
        while True:
            if self._sees(".", "?."):
                tree = self._member(tree, unless_null=self._next() == "?.")
            elif self._took("["):
                tree = Tree("index", parts=(tree, self._choice()))
                self._take("]")
            else:
                return tree

    def _member(self, owner: Tree, *, unless_null: bool) -> Tree:
        name = self._name()
        if self._sees("<") and self.tokens[self.at + 2 : self.at + 3] == [("sign", ">")]:
            self.at += 1
            name = f"{name}<{self._name()}>"
            self._take(">")
        if self._sees("("):
            return Tree("call", name, (owner, *self._arguments()), unless_null=unless_null)
        return Tree("member", name, (owner,), unless_null=unless_null)

    def _arguments(self) -> tuple[Tree, ...]:
        self._take("(")
        found: list[Tree] = []
        while not self._took(")"):
            if found:
                self._take(",")
            found.append(self._choice())
        return tuple(found)

    def _name(self) -> str:
        if self.at >= len(self.tokens) or self.tokens[self.at][0] != "name":
            raise self.fault()
        return self._next()

    def _next(self) -> str:
        self.at += 1
        return self.tokens[self.at - 1][1]

    def _sees(self, *signs: str) -> bool:
        return self.at < len(self.tokens) and self.tokens[self.at][0] != "text" and self.tokens[self.at][1] in signs

    def _took(self, sign: str) -> bool:
        if self._sees(sign):
            self.at += 1
            return True
        return False

    def _take(self, sign: str) -> None:
        if not self._took(sign):
            raise self.fault()


_WORDS: Final[Mapping[str, Any]] = {"null": None, "true": True, "false": False}


def _tokens(text: str) -> list[tuple[str, str]]:
    found, at = [], 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise NotEmulated(f"C# near {text[at : at + 20]!r}")
        if match.lastgroup:
            found.append((match.lastgroup, match[0]))
        at = match.end()
    return found


def _unquoted(token: str) -> str:
    if token.startswith("@"):
        return token[2:-1].replace('""', '"')
    return str(ast.literal_eval(token.replace("\n", "\\n")))
