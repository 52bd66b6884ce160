"""What the emulator answers, and the three shapes in which Anypoint's services say no."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """`body` goes out as JSON; `content`, if given, as it is."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None


class Refused(Exception):
    """Ends a call with this answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


NO_CONTENT = Answer(204)


def not_found(what: str, which: object) -> Refused:
    return Refused(Answer(404, {"name": "NotFoundError", "message": f"{what} {which} not found"}))


def conflict(message: str) -> Refused:
    return Refused(Answer(409, {"name": "ConflictError", "message": message}))


def forbidden() -> Refused:
    return Refused(
        Answer(403, {"name": "ForbiddenError", "message": "You don't have permissions to perform this operation"})
    )


def unauthorized() -> Refused:
    """Its body is plain text."""
    return Refused(Answer(401, content=b"Unauthorized", headers={"content-type": "text/plain; charset=utf-8"}))


def invalid(path: str, keyword: str, message: str) -> Refused:
    """What API Manager says of a body that its schema refuses."""
    fault = {"type": "body", "dataPath": path, "keyword": keyword, "schema": "", "data": "", "message": message}
    return Refused(Answer(400, {"errors": [fault]}))


def exchange_says_no(status: int, message: str, code: str = "") -> Refused:
    return Refused(Answer(status, {"status": status, "message": message, **({"code": code} if code else {})}))
