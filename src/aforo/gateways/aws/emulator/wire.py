"""One AWS call and its answer as they stand on the wire, and AWS's two forms of an error.

REST services (API Gateway, Lambda) name an error in the header x-amzn-errortype over a JSON body; query services
(STS, IAM, CloudFormation) answer XML. Source: the protocol descriptions that botocore parses answers with.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote
from uuid import uuid4
from xml.sax.saxutils import escape


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `path` and `query` are still percent-encoded, as a signature needs them; header names are lower."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        """The fields of a query-protocol call."""
        return dict(parse_qsl(self.body.decode(errors="replace"), keep_blank_values=True))

    @property
    def arguments(self) -> list[tuple[str, str]]:
        """The query string, decoded, in order; a repeated name appears again."""
        return parse_qsl(self.query, keep_blank_values=True)

    @property
    def segments(self) -> list[str]:
        """The path's parts, each decoded by itself: an encoded slash stays inside its part."""
        return [unquote(part) for part in self.path.split("/") if part]


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class AwsError(Exception):
    """A refusal, named as the service's model names it."""

    def __init__(self, code: str, message: str, status: int = 400, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.headers = dict(headers or {})


def answer_of(status: int, told: Mapping[str, object]) -> Answer:
    """A JSON answer."""
    return Answer(status, json.dumps(told).encode(), {"content-type": "application/json"})


def not_found(message: str) -> AwsError:
    return AwsError("NotFoundException", message, 404)


def bad_request(message: str) -> AwsError:
    return AwsError("BadRequestException", message, 400)


def conflict(message: str) -> AwsError:
    return AwsError("ConflictException", message, 409)


def refused(error: AwsError, *, query_protocol: bool) -> Answer:
    """The error as the caller's protocol spells it."""
    return _xml_error(error) if query_protocol else _json_error(error)


def query_result(action: str, result: str, namespace: str) -> Answer:
    """A query-protocol success; `result` is the inner XML."""
    body = (
        f'<{action}Response xmlns="{namespace}"><{action}Result>{result}</{action}Result>'
        f"<ResponseMetadata><RequestId>{uuid4()}</RequestId></ResponseMetadata></{action}Response>"
    )
    return Answer(200, body.encode(), {"content-type": "text/xml"})


def _json_error(error: AwsError) -> Answer:
    headers = {
        "content-type": "application/json",
        "x-amzn-errortype": error.code,
        **error.headers,
    }
    return Answer(error.status, json.dumps({"message": error.message}).encode(), headers)


def _xml_error(error: AwsError) -> Answer:
    body = (
        '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>'
        f"<Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message></Error>"
        f"<RequestId>{uuid4()}</RequestId></ErrorResponse>"
    )
    return Answer(error.status, body.encode(), {"content-type": "text/xml", **error.headers})
