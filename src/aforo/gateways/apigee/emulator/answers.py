"""What the Apigee API answers, and the shape of its errors."""

import json
from dataclasses import dataclass, field
from typing import Any

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and a JSON object; `raw` instead of it where the answer is no JSON."""

    status: int = 200
    body: Row | None = None
    raw: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def bytes(self) -> bytes:
        if self.raw is not None:
            return self.raw
        return b"" if self.body is None else json.dumps(self.body).encode()


class Refused(Exception):
    """A request that ends here, with this answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


NOTHING = Answer(204)
NO_SUCH_PAGE = Answer(
    404,
    raw=b"<!DOCTYPE html>\n<html lang=en>\n<title>Error 404 (Not Found)</title>\n<p>The requested URL was not found.\n",
    headers={"content-type": "text/html; charset=UTF-8"},
)


def _error(code: int, status: str, message: str, headers: dict[str, str] | None = None) -> Refused:
    return Refused(Answer(code, {"error": {"code": code, "message": message, "status": status}}, None, headers or {}))


def invalid(message: str) -> Refused:
    return _error(400, "INVALID_ARGUMENT", message)


def not_now(message: str) -> Refused:
    return _error(400, "FAILED_PRECONDITION", message)


def unauthenticated() -> Refused:
    return _error(
        401,
        "UNAUTHENTICATED",
        "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid "
        "authentication credential.",
        {"www-authenticate": 'Bearer realm="https://accounts.google.com/", error="invalid_token"'},
    )


def forbidden(resource: str) -> Refused:
    return _error(403, "PERMISSION_DENIED", f'Permission denied on resource "{resource}" (or it may not exist)')


def absent(what: str, name: str) -> Refused:
    return _error(404, "NOT_FOUND", f'{what} "{name}" not found')


def taken(what: str, name: str) -> Refused:
    return _error(409, "ALREADY_EXISTS", f'{what} "{name}" already exists')


def throttled(retry_after_seconds: int) -> Refused:
    return _error(
        429, "RESOURCE_EXHAUSTED", "Quota exceeded for management calls.", {"retry-after": str(retry_after_seconds)}
    )
