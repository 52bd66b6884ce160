"""Policy documents as the service takes them apart and writes them again: other white space, same meaning.

`rawxml` is no XML: an expression `@(…)` or `@{…}` holds quotes and angle brackets as they are. `xml` has them escaped.
"""

import html
import re
from dataclasses import dataclass, field
from typing import Final

SECTIONS: Final = ("inbound", "backend", "outbound", "on-error")
_NAME: Final = re.compile(r"[A-Za-z_][\w.\-:]*")
_OPAQUE: Final = re.compile(r'@"(?:[^"]|"")*"|\$?"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])+\'|//.*?(?=\n)|/\*[\s\S]*?\*/')
"""What brackets do not count in: strings, characters and comments of C#."""
_CLOSING: Final = {"(": ")", "{": "}"}
_BREAK: Final = "\r\n"


class PolicyFault(Exception):
    """Where and why a document cannot be read."""


@dataclass(slots=True)
class Node:
    """An element, or with no `tag` a piece of text or a comment."""

    tag: str = ""
    attributes: list[tuple[str, str]] = field(default_factory=list)
    children: list["Node"] = field(default_factory=list)
    text: str = ""

    def named(self, tag: str) -> list["Node"]:
        """Every element of this name, however deep."""
        found = [self] if self.tag == tag else []
        return found + [node for child in self.children for node in child.named(tag)]

    def attribute(self, name: str) -> str | None:
        return next((value for key, value in self.attributes if key == name), None)


def parse(text: str, *, raw: bool) -> Node:
    """The root element; raises PolicyFault."""
    reader = _Reader(text, raw)
    reader.skip_prose()
    root = reader.element()
    reader.skip_prose()
    if reader.at < len(text):
        raise PolicyFault(f"Data at the root level is invalid at position {reader.at}.")
    return root


def write(node: Node, *, raw: bool, depth: int = 0) -> str:
    """One element a line, indented by a tab for each level, lines ended by CR LF."""
    indent = "\t" * depth
    if not node.tag:
        return indent + (node.text if raw or node.text.startswith("<!--") else html.escape(node.text, quote=False))
    head = node.tag + "".join(f' {name}="{_written(value, raw)}"' for name, value in node.attributes)
    if not node.children:
        return f"{indent}<{head} />"
    if all(not child.tag and not child.text.startswith("<!--") for child in node.children):
        inner = "".join(write(child, raw=raw) for child in node.children)
        return f"{indent}<{head}>{inner}</{node.tag}>"
    lines = [write(child, raw=raw, depth=depth + 1) for child in node.children]
    return _BREAK.join([f"{indent}<{head}>", *lines, f"{indent}</{node.tag}>"])


def _written(value: str, raw: bool) -> str:
    return value if raw and value.startswith("@") else html.escape(value).replace("&#x27;", "'")


class _Reader:
    def __init__(self, text: str, raw: bool) -> None:
        self.text = text
        self.raw = raw
        self.at = 0

    def skip_prose(self) -> None:
        """White space and comments around the root."""
        while self.at < len(self.text):
            if self.text[self.at].isspace():
                self.at += 1
            elif self.text.startswith("<!--", self.at):
                self.comment()
            else:
                return

    def element(self) -> Node:
        self._take("<")
        node = Node(self._name())
        while not self._ends_tag():
            node.attributes.append(self._attribute())
        if self._took("/>"):
            return node
        self._take(">")
        while not self.text.startswith("</", self.at):
            node.children += self._child()
        self._take("</")
        if (closed := self._name()) != node.tag:
            raise PolicyFault(f"The '{node.tag}' start tag does not match the end tag of '{closed}'.")
        self._spaces()
        self._take(">")
        return node

    def comment(self) -> Node:
        end = self.text.find("-->", self.at)
        if end < 0:
            raise PolicyFault("A comment has no end.")
        start, self.at = self.at, end + 3
        return Node(text=self.text[start : self.at])

    def _child(self) -> list[Node]:
        if self.text.startswith("<!--", self.at):
            return [self.comment()]
        if self.text.startswith("<", self.at):
            return [self.element()]
        return self._words()

    def _words(self) -> list[Node]:
        start = self.at
        self._spaces()
        if self.raw and self._is_expression():
            return [Node(text=self._expression())]
        while self.at < len(self.text) and self.text[self.at] != "<":
            self.at += 1
        if self.at >= len(self.text):
            raise PolicyFault("Unexpected end of file.")
        words = self.text[start : self.at]
        return [Node(text=html.unescape(words) if not self.raw else words)] if words.strip() else []

    def _attribute(self) -> tuple[str, str]:
        name = self._name()
        self._spaces()
        self._take("=")
        self._spaces()
        quote = self.text[self.at : self.at + 1]
        if quote not in ('"', "'"):
            raise PolicyFault(f"The value of '{name}' has no quotes.")
        self.at += 1
        if self.raw and self._is_expression():
            value = self._expression()
        else:
            end = self.text.find(quote, self.at)
            if end < 0:
                raise PolicyFault(f"The value of '{name}' has no end.")
            value, self.at = html.unescape(self.text[self.at : end]), end
        self._take(quote)
        return name, value

    def _is_expression(self) -> bool:
        return self.text.startswith(("@(", "@{"), self.at)

    def _expression(self) -> str:
        start, open_ = self.at, self.text[self.at + 1]
        self.at += 1
        depth = 0
        while self.at < len(self.text):
            if opaque := _OPAQUE.match(self.text, self.at):
                self.at = opaque.end()
                continue
            sign = self.text[self.at]
            depth += (sign == open_) - (sign == _CLOSING[open_])
            self.at += 1
            if depth == 0:
                return self.text[start : self.at]
        raise PolicyFault("An expression has no end.")

    def _ends_tag(self) -> bool:
        self._spaces()
        return self.text.startswith((">", "/>"), self.at)

    def _name(self) -> str:
        found = _NAME.match(self.text, self.at)
        if not found:
            raise PolicyFault(f"A name was expected at position {self.at}.")
        self.at = found.end()
        return found[0]

    def _spaces(self) -> None:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1

    def _take(self, sign: str) -> None:
        if not self._took(sign):
            raise PolicyFault(f"'{sign}' was expected at position {self.at}.")

    def _took(self, sign: str) -> bool:
        if self.text.startswith(sign, self.at):
            self.at += len(sign)
            return True
        return False
