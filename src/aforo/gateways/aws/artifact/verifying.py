"""Reads the installation back, then makes the canary's two calls; every line ends in words and none in an error."""

from collections.abc import AsyncIterator
from typing import Final, Protocol

from aforo.gateway_sdk.artifact import ArtifactStatus, Canary, Phase, Receipt, Wiring
from aforo.gateway_sdk.contract import Check, Verdict
from aforo.gateway_sdk.errors import GatewayError
from aforo.gateway_sdk.transport import Answer, Transport

_ATTACHED: Final = "Functions and methods as Aforo left them"
_FIRST: Final = "A call of the canary passes"
_SECOND: Final = "Its next call is refused"
_REFUSALS: Final = (402, 403, 429)
_FUNCTION_FAILED: Final = (
    "Read the log group /aws/lambda/aforo-authorizer-…: a wrong edge address, blocked egress (a VPC without NAT) and "
    "an expired key are the usual causes; attach again if the function's permission is gone."
)


class Readable(Protocol):
    """What can say how it stands."""

    async def status(self, wiring: Wiring, receipt: Receipt | None) -> ArtifactStatus: ...


async def verify(
    artifact: Readable, transport: Transport, wiring: Wiring, receipt: Receipt, canary: Canary | None
) -> AsyncIterator[Check]:
    """Every line up to the first that fails. Headers of Aforo's are not looked for: a REST API's proxy answer and an
    HTTP API's have none, since an authorizer cannot add any.
    """
    try:
        line = _standing(await artifact.status(wiring, receipt))
        yield line
        if line.verdict is Verdict.FAILED or canary is None:
            return
        passed = _passes(await _call(transport, wiring, canary))
        yield passed
        if passed.verdict is not Verdict.FAILED:
            yield _refuses(await _call(transport, wiring, canary), wiring)
    except GatewayError as fault:
        yield Check("AWS answers", Verdict.FAILED, fault.detail, fault.next_step, fault.code)


def _standing(status: ArtifactStatus) -> Check:
    if status.phase is Phase.ATTACHED:
        return Check(_ATTACHED, Verdict.OK, f"version {status.version} at {', '.join(status.attached)}")
    words = status.detail or {Phase.ABSENT: "not deployed", Phase.DEPLOYED: "deployed and not attached"}[status.phase]
    return Check(_ATTACHED, Verdict.FAILED, words, "Deploy and attach again.", "artifact_differs")


async def _call(transport: Transport, wiring: Wiring, canary: Canary) -> Answer:
    """With the key in the first place that is looked at."""
    kind, _, name = wiring.key_from[0].partition(":")
    url = f"{canary.url}{'&' if '?' in canary.url else '?'}{name}={canary.key}" if kind == "query" else canary.url
    shown = {"bearer": {"Authorization": f"Bearer {canary.key}"}, "header": {name: canary.key}}.get(kind, {})
    headers = {**shown, "x-api-key": canary.key}  # a method may also demand it as an API key
    return await transport.call("GET", url, operation="GET canary", headers=headers, accept=range(400, 600))


def _passes(answer: Answer) -> Check:
    if answer.status == 500:
        return Check(_FIRST, Verdict.FAILED, "the authorizer failed (500)", _FUNCTION_FAILED, "authorizer_failed")
    if answer.status in (401, 403, 404, 429):
        words = f"answered {answer.status}"
        step = "Check the address, stage included; a new API key takes some minutes to reach AWS's edge."
        return Check(_FIRST, Verdict.FAILED, words, step, "canary_refused")
    return Check(_FIRST, Verdict.OK, f"HTTP {answer.status}")


def _refuses(answer: Answer, wiring: Wiring) -> Check:
    if answer.status in _REFUSALS:
        return Check(_SECOND, Verdict.OK, f"with {answer.status}")
    if not wiring.enforce:
        return Check(_SECOND, Verdict.LIMITED, "not while this gateway observes", "Switch to enforce, then verify.")
    step = f"See that the method asks the authorizer and the product is switched to enforce. {_FUNCTION_FAILED}"
    return Check(_SECOND, Verdict.FAILED, f"answered {answer.status}", step, "canary_passed")
