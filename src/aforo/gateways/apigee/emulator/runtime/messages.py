"""Messages and flow variables, by Apigee's names: `request.header.accept`, `response.status.code`, `private.secret`."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

_PART: Final = re.compile(r"(header|queryparam)\.([^.]+)", re.IGNORECASE)
_SETTABLE: Final = ("verb", "path", "content", "status.code", "reason.phrase")
_READ_ONLY: Final = ("system.", "client.", "proxy.", "apiproxy.", "organization.", "environment.", "messageid")


@dataclass(slots=True)
class Message:
    """A request or an answer. Header names keep their case and are found in any."""

    verb: str = "GET"
    path: str = "/"
    headers: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    content: str = ""
    status: int | None = None
    reason: str = ""

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers.items() if key.lower() == name.lower()), None)

    def set_header(self, name: str, value: str) -> None:
        self.remove_header(name)
        self.headers[name] = value

    def remove_header(self, name: str) -> None:
        for key in [key for key in self.headers if key.lower() == name.lower()]:
            del self.headers[key]

    def get(self, part: str) -> Any:
        if found := _PART.fullmatch(part):
            kind, name = found[1].lower(), found[2]
            return self.header(name) if kind == "header" else self.query.get(name)
        plain = {
            "verb": self.verb,
            "path": self.path,
            "content": self.content,
            "status.code": self.status,
            "reason.phrase": self.reason,
            "headers.count": len(self.headers),
            "querystring": "&".join(f"{name}={value}" for name, value in self.query.items()),
        }
        return plain.get(part)

    def set(self, part: str, value: str) -> None:
        if found := _PART.fullmatch(part):
            if found[1].lower() == "header":
                self.set_header(found[2], value)
            else:
                self.query[found[2]] = value
        elif part == "status.code":
            self.status = int(value) if value.isdecimal() else 500
        elif part == "reason.phrase":
            self.reason = value
        elif part in _SETTABLE:
            setattr(self, part, value)


class Variables:
    """All variables of one call, which live through all of its flows. A client's headers cannot make any.

    `live` are those that are computed when they are read, such as `system.timestamp`.
    """

    def __init__(self, request: Message, told: dict[str, Any], live: dict[str, Callable[[], Any]]) -> None:
        self.messages: dict[str, Message] = {"request": request}
        self.current = "request"
        self._plain = dict(told)
        self._live = live

    def get(self, name: str) -> Any:
        if name in self._live:
            return self._live[name]()
        if name in self._plain:
            return self._plain[name]
        message, part = self._message(name)
        return message.get(part) if message and part else None

    def set(self, name: str, value: Any) -> None:
        """Apigee's own facts are read-only: setting one does nothing."""
        if name.startswith(_READ_ONLY):
            return
        message, part = self._message(name)
        if message and (_PART.fullmatch(part) or part in _SETTABLE):
            message.set(part, text(value))
        else:
            self._plain[name] = value

    def remove(self, name: str) -> None:
        self._plain.pop(name, None)

    def _message(self, name: str) -> tuple[Message | None, str]:
        """The message that the variable begins with, and what follows."""
        first, _, part = name.partition(".")
        known = self.current if first == "message" else first
        return self.messages.get(known), part


def text(value: Any) -> str:
    """As a template shows it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
