"""Answers of the edge as bytes: JSON, and problems after RFC 9457."""

from http import HTTPStatus
from typing import Any, Final, NamedTuple

import msgspec

from aforo.kit.errors import (
    AforoError,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Overloaded,
    TooLarge,
    Unauthenticated,
    Unreadable,
)
from aforo.usage.errors import UnsupportedMedia

Headers = list[tuple[bytes, bytes]]

_STATUSES: Final[tuple[tuple[type[AforoError], int], ...]] = (
    (Unreadable, 400),
    (Unauthenticated, 401),
    (Forbidden, 403),
    (NotFound, 404),
    (Conflict, 409),
    (TooLarge, 413),
    (UnsupportedMedia, 415),
    (Invalid, 422),
    (Overloaded, 503),
)


class Answer(NamedTuple):
    """What goes back to the client."""

    status: int
    headers: Headers
    body: bytes


def json(value: Any, status: int = 200) -> Answer:
    return Answer(status, [(b"content-type", b"application/json")], msgspec.json.encode(value))


def text(body: bytes, media_type: bytes) -> Answer:
    return Answer(200, [(b"content-type", media_type)], body)


def problem(status: int, code: str, detail: str, path: str, *headers: tuple[bytes, bytes]) -> Answer:
    """A problem document; `instance` is the path without its query, which could hold a secret."""
    return _document(status, code, detail, path, {}, *headers)


def _document(
    status: int, code: str, detail: str, path: str, more: dict[str, Any], *headers: tuple[bytes, bytes]
) -> Answer:
    document = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": path,
        "code": code,
        **more,
    }
    body = msgspec.json.encode(document)
    return Answer(status, [(b"content-type", b"application/problem+json"), *headers], body)


def of_error(fault: AforoError, path: str) -> Answer:
    """The problem that an expected failure stands for."""
    status = next((status for kind, status in _STATUSES if isinstance(fault, kind)), 500)
    extra: Headers = []
    if isinstance(fault, Overloaded):
        extra = [(b"retry-after", b"%d" % max(1, fault.retry_after_seconds))]
    if isinstance(fault, Unauthenticated):
        extra = [(b"www-authenticate", b"Bearer")]
    more: dict[str, Any] = {}
    if isinstance(fault, Invalid):
        more = {"errors": [{"pointer": pointer, "detail": detail} for pointer, detail in fault.faults]}
    return _document(status, fault.code, str(fault), path, more, *extra)
