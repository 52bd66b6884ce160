"""What goes over the wire: calls as Azure Resource Manager sees them, answers, and refusals in its form."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl

API_VERSION: Final = "2024-05-01"
Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `path` is decoded, `headers` have lower-case names, `origin` is scheme and host as called."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    origin: str

    @property
    def if_match(self) -> str | None:
        return self.headers.get("if-match")

    def object(self) -> Record:
        """The body as a JSON object; refuses anything else."""
        try:
            value = json.loads(self.body)
        except ValueError as fault:
            raise ArmError(400, "InvalidRequestContent", "The request content was invalid JSON.") from fault
        if not isinstance(value, dict):
            raise ArmError(400, "InvalidRequestContent", "The request content must be a JSON object.")
        return value

    def properties(self) -> Record:
        """The member `properties`, in which API Management keeps all that can be set."""
        value = self.object().get("properties") or {}
        if not isinstance(value, dict):
            raise invalid("properties", "must be an object")
        return value

    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode("latin-1")))


@dataclass(frozen=True, slots=True)
class Answer:
    """`body` is sent as JSON, text as it is; None sends nothing."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


class ArmError(Exception):
    """A refusal: `{"error": {"code", "message", "details"}}`."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        details: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.details, self.headers = tuple(details), dict(headers or {})

    def answer(self) -> Answer:
        error: Record = {"code": self.code, "message": self.message}
        if self.details:
            error["details"] = [dict(one) for one in self.details]
        return Answer(self.status, {"error": error}, self.headers)


def invalid(target: str, message: str) -> ArmError:
    """400 as API Management words it: what is wrong stands in the details."""
    detail = {"code": "ValidationError", "target": target, "message": message}
    return ArmError(400, "ValidationError", "One or more fields contain incorrect values:", [detail])


def missing(what: str) -> ArmError:
    return ArmError(404, "ResourceNotFound", f"{what} not found.")
