"""What a client asks: path, query, and a body as JSON or as an uploaded file."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from email import message_from_bytes
from urllib.parse import parse_qsl, unquote

from .answers import Row, invalid


@dataclass(frozen=True, slots=True)
class Request:
    """One call; `path` is as sent, header names are small, `query` has one value a name."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def segments(self) -> list[str]:
        return [unquote(part) for part in self.path.split("/") if part]

    @property
    def media_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def object(self) -> Row:
        """The body as a JSON object; raises the refusal otherwise."""
        try:
            told = json.loads(self.body or b"{}")
        except ValueError:
            raise invalid("Invalid JSON payload received.") from None
        if not isinstance(told, dict):
            raise invalid("Invalid JSON payload received. Expected an object.")
        return told

    def asks(self, name: str) -> bool:
        return self.query.get(name, "").lower() == "true"

    def count(self, name: str, default: int, most: int) -> int:
        text = self.query.get(name, str(default))
        if not (text.isascii() and text.isdecimal()):
            raise invalid(f"Invalid value at '{name}', \"{text}\"")
        return min(int(text) or default, most)

    def action(self) -> str:
        """The query's action, which goes with a body of no kind in particular."""
        if self.media_type != "application/octet-stream":
            raise invalid("An action needs the Content-Type application/octet-stream.")
        return self.query.get("action", "")

    def file(self) -> bytes:
        """The uploaded file, from a form or as the body itself."""
        if self.media_type == "application/octet-stream":
            return self.body
        if self.media_type != "multipart/form-data":
            raise invalid("Expected multipart/form-data or application/octet-stream.")
        head = f"Content-Type: {self.headers['content-type']}\r\n\r\n".encode()
        for part in message_from_bytes(head + self.body).walk():
            if part.get_param("name", header="content-disposition") == "file":
                found = part.get_payload(decode=True)
                return found if isinstance(found, bytes) else b""
        raise invalid("The form has no part named file.")


def parse_query(raw: bytes) -> dict[str, str]:
    return dict(parse_qsl(raw.decode(errors="replace"), keep_blank_values=True))
