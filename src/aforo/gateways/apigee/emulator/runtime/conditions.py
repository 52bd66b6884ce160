"""Apigee's conditions, as its reference documents them: operators by sign and by word, literals, null, parentheses.

A variable that is not set is null; a comparison with null is false but for `!= "…"` and `= null`.
"""

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Final

from .messages import Variables, text

Test = Callable[[Variables], bool]
_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<text>"[^"]*")|(?P<number>-?\d+(?:\.\d+)?\b)|(?P<sign>:=|=\||!=|>=|<=|~~|~/|&&|\|\||[=<>~!()])"""
    r"""|(?P<word>[A-Za-z_][\w.\-]*))"""
)
_WORDS: Final = {
    "equals": "=",
    "is": "=",
    "notequals": "!=",
    "isnot": "!=",
    "equalscaseinsensitive": ":=",
    "greaterthan": ">",
    "greaterthanorequals": ">=",
    "lesserthan": "<",
    "lesserthanorequals": "<=",
    "and": "&&",
    "or": "||",
    "not": "!",
    "javaregex": "~~",
    "matches": "~",
    "like": "~",
    "matchespath": "~/",
    "likepath": "~/",
    "startswith": "=|",
}
_COMPARING: Final = frozenset(_WORDS.values()) - {"&&", "||", "!"}


class BadCondition(ValueError):
    """A condition that cannot be read."""


@cache
def parse(condition: str) -> Test:
    """Raises BadCondition. An empty condition is always true."""
    if not condition.strip():
        return lambda _: True
    reader = _Reader(list(_tokens(condition)))
    test = reader.either()
    if reader.left:
        raise BadCondition(f"something is left over after {condition!r}: {reader.left}")
    return test


def _tokens(condition: str) -> Iterator[tuple[str, str]]:
    place = 0
    condition = condition.rstrip()
    while place < len(condition):
        found = _TOKEN.match(condition, place)
        if not found:
            raise BadCondition(f"{condition[place:]!r} cannot be read")
        place = found.end()
        kind, value = found.lastgroup or "", found[found.lastgroup or 0]
        if kind == "word" and value.lower() in _WORDS:
            kind, value = "sign", _WORDS[value.lower()]
        yield kind, value


class _Reader:
    """Or binds weaker than and, and weaker than not."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self.left = tokens

    def either(self) -> Test:
        tests = [self._both()]
        while self._takes("||"):
            tests.append(self._both())
        return lambda flow: any(test(flow) for test in tests)

    def _both(self) -> Test:
        tests = [self._one()]
        while self._takes("&&"):
            tests.append(self._one())
        return lambda flow: all(test(flow) for test in tests)

    def _one(self) -> Test:
        if self._takes("!"):
            inner = self._one()
            return lambda flow: not inner(flow)
        if self._takes("("):
            inner = self.either()
            if not self._takes(")"):
                raise BadCondition("a parenthesis is not closed")
            return inner
        return self._comparison()

    def _comparison(self) -> Test:
        left = self._operand()
        if not (self.left and self.left[0][0] == "sign" and self.left[0][1] in _COMPARING):
            return lambda flow: left(flow) in (True, "true")
        sign = self.left.pop(0)[1]
        right = self._operand()
        return lambda flow: _holds(sign, left(flow), right(flow))

    def _operand(self) -> Callable[[Variables], Any]:
        if not self.left or self.left[0][0] == "sign":
            raise BadCondition("an operand is missing")
        kind, value = self.left.pop(0)
        if kind == "text":
            return lambda _: value[1:-1]
        if kind == "number":
            return lambda _: float(value)
        if value.lower() in ("null", "true", "false"):
            constant = {"null": None, "true": True, "false": False}[value.lower()]
            return lambda _: constant
        return lambda flow: flow.get(value)

    def _takes(self, sign: str) -> bool:
        if self.left and self.left[0] == ("sign", sign):
            self.left.pop(0)
            return True
        return False


def _holds(sign: str, left: Any, right: Any) -> bool:
    if left is None or right is None:
        same = left is None and right is None
        return same if sign in ("=", ":=") else not same if sign == "!=" else False
    if sign in ("=", "!="):
        return _same(left, right) is (sign == "=")
    if sign in (">", ">=", "<", "<="):
        return _orders(sign, left, right)
    one, other = text(left), text(right)
    if sign == ":=":
        return one.lower() == other.lower()
    if sign == "=|":
        return one.startswith(other)
    pattern = {"~~": lambda: other, "~": lambda: _glob(other), "~/": lambda: _path(other)}[sign]()
    return re.fullmatch(pattern, one, re.DOTALL) is not None


def _same(left: Any, right: Any) -> bool:
    numbers = _numbers(left, right)
    return numbers[0] == numbers[1] if numbers else text(left) == text(right)


def _orders(sign: str, left: Any, right: Any) -> bool:
    numbers = _numbers(left, right)
    one, other = numbers or (text(left), text(right))
    return {">": one > other, ">=": one >= other, "<": one < other, "<=": one <= other}[sign]  # type: ignore[operator]


def _numbers(left: Any, right: Any) -> tuple[float, float] | None:
    """Both as numbers, if one of them is one and the other can be."""
    if not any(isinstance(one, int | float) and not isinstance(one, bool) for one in (left, right)):
        return None
    try:
        return float(left), float(right)
    except (TypeError, ValueError):
        return None


def _glob(pattern: str) -> str:
    """`*` is whatever there is, `%` takes the meaning from the next sign."""
    pieces = re.findall(r"%.|.", pattern, re.DOTALL)
    return "".join(".*" if one == "*" else re.escape(one[-1]) for one in pieces)


def _path(pattern: str) -> str:
    """`*` is one part of a path, `**` all that follow."""
    pieces = re.findall(r"\*\*|\*|[^*]+", pattern)
    return "".join({"**": ".*", "*": "[^/]+"}.get(one, re.escape(one)) for one in pieces)
