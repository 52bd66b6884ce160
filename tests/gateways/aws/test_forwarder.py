"""The forwarder by itself, in front of an edge that answers as it is told: nothing is lost, nothing is sent twice."""

import base64
import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.gateways.aws.uploaded import configure, uploaded
from tests.live import serving


class TellingEdge:
    """Answers each request with the next status of `statuses`, then 202; keeps what it was sent."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.sent: list[tuple[str, dict[str, Any]]] = []

    @property
    def batches(self) -> list[list[dict[str, Any]]]:
        return [body["events"] for path, body in self.sent if path == "/v1/ingest/batch"]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        encoded = dict(scope["headers"]).get(b"content-encoding") == b"gzip"
        self.sent.append((scope["path"], json.loads(gzip.decompress(body) if encoded else body)))
        status = self.statuses.pop(0) if self.statuses else 202
        told = b'{"accepted":1,"duplicates":0,"failed":0,"errors":[]}'
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": told})


@pytest.fixture
def edge(monkeypatch: pytest.MonkeyPatch) -> Iterator[TellingEdge]:
    app = TellingEdge()
    with serving(app) as url:
        configure(monkeypatch, url)
        yield app


def forward(*lines: object, kind: str = "DATA_MESSAGE") -> Any:
    """As Lambda calls it."""
    events = [{"message": line if isinstance(line, str) else json.dumps(line)} for line in lines]
    told = json.dumps({"messageType": kind, "logEvents": events}).encode()
    return uploaded("forwarder").handler({"awslogs": {"data": base64.b64encode(gzip.compress(told)).decode()}}, None)


def line(number: int = 0, **members: Any) -> dict[str, Any]:
    return {
        "extendedRequestId": f"r{number}=", "apiId": "abc", "stage": "prod", "httpMethod": "GET", "path": "/pets",
        "status": "200", "responseLatency": "12", "requestTimeEpoch": "1760000000000", "refused": "-", "apiKeyId": "-",
        "customerId": "-", "decisionId": "-", **members,
    }  # fmt: skip


def test_a_line_becomes_one_event_that_bears_the_gateways_own_request_id(edge: TellingEdge) -> None:
    forward(line(7, customerId="cust_1", decisionId="dec_1", credential="ab12"))
    assert edge.batches == [[{
        "idempotencyKey": "aws:abc/prod:r7=", "customerId": "cust_1", "metricName": "api_calls", "quantity": "1",
        "occurredAt": 1760000000000, "productType": "API", "productId": "prod_1", "integrationId": "int_1",
        "credential": {"integrationId": "int_1", "type": "key_sha256", "nativeId": "ab12"}, "httpMethod": "GET",
        "endpointPath": "/pets", "statusCode": 200, "responseTimeMs": 12, "decisionId": "dec_1",
    }]]  # fmt: skip


def test_without_an_authorizers_word_the_api_key_that_aws_verified_says_whose_call_it_was(edge: TellingEdge) -> None:
    forward(line(apiKeyId="k1"))
    told = edge.batches[0][0]
    assert told["credential"] == {"integrationId": "int_1", "type": "api_key", "nativeId": "k1"}
    assert told["customerId"] == "unattributed"


def test_a_key_that_aforo_has_no_word_on_never_stands_before_the_one_that_aws_verified(edge: TellingEdge) -> None:
    known = line(2, credential="ab12", apiKeyId="k1", customerId="cust_1")
    forward(line(1, credential="made-up", apiKeyId="k1"), known)
    assert [one["credential"]["nativeId"] for one in edge.batches[0]] == ["k1", "ab12"]


def test_a_line_that_lacks_its_id_or_time_goes_on_without_it_and_holds_up_no_other(edge: TellingEdge) -> None:
    told = forward(
        line(1, extendedRequestId="-"), line(2, requestTimeEpoch="yesterday"), line(3), "[1]", kind="DATA_MESSAGE"
    )
    assert told["unreadable"] == 1
    (sent,) = edge.batches
    assert [("idempotencyKey" in one, "occurredAt" in one) for one in sent] == [
        (False, True),
        (True, False),
        (True, True),
    ]


def test_calls_that_the_backend_never_saw_are_not_metered_and_failures_of_the_backend_are(edge: TellingEdge) -> None:
    told = forward(
        line(1, refused="ACCESS_DENIED", reason="quota_exceeded", decisionId="dec_1"),
        line(2, refused="INVALID_API_KEY", decisionId="dec/2"),
        line(3, refused="INTEGRATION_TIMEOUT", status="504"),
        line(4, apiId="other"),
        "no JSON at all",
    )
    assert [one["idempotencyKey"] for one in edge.batches[0]] == ["aws:abc/prod:r3="]
    assert [path for path, _ in edge.sent if "settle" in path] == ["/v1/decisions/dec/2/settle"]  # sent as dec%2F2
    assert told == {"events": 1, "failed": 0, "givenBack": 1, "unreadable": 1}


@pytest.mark.parametrize("status", [401, 429, 503])
def test_whatever_is_no_202_makes_lambda_deliver_again_after_all_batches_were_tried(
    edge: TellingEdge, status: int
) -> None:
    edge.statuses = [status]
    with pytest.raises(Exception, match=f"1000 events: Aforo answered {status}"):
        forward(*(line(number) for number in range(1500)))
    assert [len(batch) for batch in edge.batches] == [1000, 500]
    first = [one["idempotencyKey"] for batch in edge.batches for one in batch]
    edge.sent.clear()
    forward(*(line(number) for number in range(1500)))
    assert [one["idempotencyKey"] for batch in edge.batches for one in batch] == first


def test_an_edge_that_is_away_loses_nothing_and_a_control_message_is_no_call(
    edge: TellingEdge, monkeypatch: pytest.MonkeyPatch
) -> None:
    forward(line(), kind="CONTROL_MESSAGE")
    assert edge.sent == []
    monkeypatch.setenv("AFORO_EDGE_URL", "http://127.0.0.1:9")
    with pytest.raises(Exception, match="1 events"):
        forward(line())
