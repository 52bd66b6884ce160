"""Azure's `rawxml` is no XML: the expressions in it hold quotes and angle brackets as they are.

They are taken out before a document is parsed, and put back afterwards, letter by letter.
"""

import re
from dataclasses import dataclass
from typing import Final

_START: Final = re.compile(r"<!--.*?-->|<!\[CDATA\[.*?\]\]>|(?<=[\"'>])\s*(?P<sign>@[({])", re.DOTALL)
_SKIP: Final = re.compile(
    r'(?:\$@|@\$|@)"(?:""|[^"])*"|\$?"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])+\'|//[^\n]*|/\*.*?\*/', re.DOTALL
)
_CLOSING: Final = {"(": ")", "{": "}"}
_MARK: Final = re.compile("\ue000(\\d+)\ue001")


class Unbalanced(Exception):
    """An expression has no end, or the text already holds the signs that stand for one."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A document with a mark in place of each expression."""

    text: str
    expressions: tuple[str, ...]

    def back(self, text: str) -> str:
        """Another text with the same marks, with the expressions in their places again."""
        return _MARK.sub(lambda found: self.expressions[int(found[1])], text)


def take_out(raw: str) -> Taken:
    """Raises Unbalanced where an expression has no end."""
    if "\ue000" in raw:
        raise Unbalanced
    parts: list[str] = []
    expressions: list[str] = []
    done = 0
    while found := _START.search(raw, done):
        if found["sign"] is None:
            parts.append(raw[done : found.end()])
            done = found.end()
            continue
        start, end = found.start("sign"), _end(raw, found.end() - 1)
        parts.append(f"{raw[done:start]}\ue000{len(expressions)}\ue001")
        expressions.append(raw[start:end])
        done = end
    return Taken("".join((*parts, raw[done:])), tuple(expressions))


def _end(raw: str, at: int) -> int:
    """Behind the bracket that closes the one at `at`; strings, characters and comments of C# do not count."""
    opening, depth = raw[at], 0
    while at < len(raw):
        if skipped := _SKIP.match(raw, at):
            at = skipped.end()
            continue
        depth += (raw[at] == opening) - (raw[at] == _CLOSING[opening])
        at += 1
        if depth == 0:
            return at
    raise Unbalanced
