"""The authorizer by itself, in front of an edge that answers as it is told: what is asked and what passes unasked."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.gateways.aws.uploaded import configure, uploaded
from tests.live import serving

YES: Final = {"allowed": True, "customerId": "cust_1", "plan": "pro", "remaining": "7", "decisionId": "dec_1"}
NO: Final = {"allowed": False, "reason": "no_subscription", "status": 403}
ARN: Final = "arn:aws:execute-api:us-east-1:123456789012:abc/prod/GET/pets"


class TellingEdge:
    """Answers each question with the next of `answers`, then YES; keeps what it was asked."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, Any]] = []
        self.asked: list[dict[str, Any]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked.append(json.loads((await receive())["body"]))
        status, told = self.answers.pop(0) if self.answers else (200, YES)
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps(told).encode()})


@pytest.fixture
def edge(monkeypatch: pytest.MonkeyPatch) -> Iterator[TellingEdge]:
    app = TellingEdge()
    with serving(app) as url:
        more = {"AFORO_EXCLUDED": '["/health/"]', "AFORO_ENFORCE": "true", "AFORO_FAIL_MODE": "closed"}
        configure(monkeypatch, url, **more)
        yield app


class Container:
    """A warm one."""

    def __init__(self) -> None:
        self.module = uploaded("authorizer")

    def ask(self, path: str = "/pets", method: str = "GET", stage: str = "prod", **headers: str) -> tuple[bool, Any]:
        """Whether the call may pass, and the facts that go with it."""
        event = {
            "methodArn": ARN, "httpMethod": method, "path": path, "queryStringParameters": None,
            "headers": {name.replace("_", "-"): value for name, value in headers.items()},
            "requestContext": {"apiId": "abc", "stage": stage},
        }  # fmt: skip
        told = self.module.handler(event, None)
        (statement,) = told["policyDocument"]["Statement"]
        return statement["Effect"] == "Allow", told["context"]


@pytest.fixture
def container(edge: TellingEdge) -> Container:
    del edge
    return Container()


def test_a_key_is_asked_about_by_its_hash_and_a_refusal_names_its_reason(
    edge: TellingEdge, container: Container
) -> None:
    digest = hashlib.sha256(b"secret").hexdigest()
    assert container.ask(X_Api_Key="secret")[0]
    edge.answers = [(200, {"allowed": False, "reason": "quota_exceeded", "status": 429, "retryAfterSeconds": 60})]
    passed, facts = container.ask(Authorization="Bearer secret")
    assert not passed
    assert (facts["reason"], facts["status"], facts["retryHeader"]) == ("quota_exceeded", "429", "60")
    credential = {"integrationId": "int_1", "type": "key_sha256", "nativeId": digest}
    assert [one["credential"] for one in edge.asked] == [credential] * 2
    assert not [one for one in edge.asked if "secret" in json.dumps(one)]


def test_a_call_without_a_key_is_nobodys_and_not_that_of_an_empty_key(edge: TellingEdge, container: Container) -> None:
    edge.answers = [(200, NO)]
    passed, facts = container.ask(X_Api_Key="")
    assert (passed, facts["reason"]) == (False, "no_subscription")
    assert edge.asked[0]["credential"] == {"integrationId": "int_1", "type": "consumer", "nativeId": "-"}
    assert "credential" not in facts


@pytest.mark.parametrize(
    ("path", "passes"),
    [
        ("/health", True),
        ("/health/live", True),
        ("/healthcheck", False),
        ("/health/../pets", False),
        ("/health/%2E%2e/pets", False),
        ("/health//pets", False),
        ("/v1/health", False),
    ],
)
def test_an_excluded_path_frees_what_is_beneath_it_and_no_neighbour(
    edge: TellingEdge, container: Container, path: str, passes: bool
) -> None:
    edge.answers = [(200, NO)]
    assert container.ask(path)[0] is passes
    assert len(edge.asked) == (0 if passes else 1)


def test_a_preflight_passes_unasked_and_any_other_options_is_a_call(edge: TellingEdge, container: Container) -> None:
    edge.answers = [(200, NO)]
    passed, facts = container.ask(method="OPTIONS", Origin="https://a.example", Access_Control_Request_Method="GET")
    assert (passed, facts) == (True, {"outcome": "unasked"})
    assert not container.ask(method="OPTIONS", Origin="https://a.example")[0]
    assert len(edge.asked) == 1


def test_a_stage_that_is_not_sold_passes_unasked(edge: TellingEdge, container: Container) -> None:
    assert container.ask(stage="test")[0]
    assert edge.asked == []


def test_observing_lets_a_refused_call_pass_and_says_what_it_would_have_been(
    edge: TellingEdge, container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AFORO_ENFORCE", "false")
    edge.answers = [(200, NO)]
    passed, facts = container.ask(X_Api_Key="secret")
    assert passed
    assert facts["wouldDeny"] == "no_subscription"
    assert "reason" not in facts


@pytest.mark.parametrize(("status", "rests"), [(401, True), (429, True), (503, True), (422, False)])
def test_an_edge_that_refuses_one_question_is_asked_the_next_and_one_that_is_ill_is_left_alone_a_while(
    edge: TellingEdge, container: Container, caplog: pytest.LogCaptureFixture, status: int, rests: bool
) -> None:
    edge.answers = [(status, {"title": "no"})]
    passed, facts = container.ask(X_Api_Key="secret")
    assert (passed, facts["outcome"]) == (False, "unavailable")
    assert container.ask(X_Api_Key="secret")[0] is not rests
    assert len(edge.asked) == (1 if rests else 2)
    assert ("attach again with a new one" in caplog.text) == (status == 401)
