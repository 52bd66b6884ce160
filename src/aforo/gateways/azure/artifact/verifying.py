"""Reads the installation back, then sends the canary's two calls; every line ends in words and none in an error."""

from collections.abc import AsyncIterator, Mapping
from typing import Final

from aforo.gateway_sdk.artifact import Canary, Receipt, Wiring
from aforo.gateway_sdk.contract import Check, Verdict
from aforo.gateway_sdk.errors import GatewayError
from aforo.gateway_sdk.transport import Answer
from aforo.gateways.azure.artifact.installing import is_as_left
from aforo.gateways.azure.artifact.places import Place, attached
from aforo.gateways.azure.client import Client
from aforo.gateways.azure.mapping.including import FRAGMENTS

_FIRST: Final = "A call of the canary passes"
_SECOND: Final = "Its next call is refused"
_EGRESS: Final = (
    "Let the service reach the edge: outbound network rules, private DNS and TLS are the usual causes. The trace in "
    "the portal's Test tab shows what send-request met."
)


async def installed(
    client: Client, wiring: Wiring, receipt: Receipt, fragments: Mapping[str, str]
) -> AsyncIterator[Check]:
    """The fragments as they were written, and every place that was attached."""
    try:
        for name, text in fragments.items():
            found = await client.find("policyFragments", name, format="rawxml")
            if found is None or not is_as_left(found, wiring, text):
                why = "is not there" if found is None else "is not as Aforo left it"
                yield Check(f"Fragment {name}", Verdict.FAILED, why, "Deploy again.", "artifact_differs")
            else:
                yield Check(f"Fragment {name}", Verdict.OK)
        for target in receipt.attached:
            missing = set(FRAGMENTS) - set(await attached(client, Place(target)))
            if missing:
                why = f"the fragments of {', '.join(sorted(missing))} are no longer included"
                yield Check(f"Policy of {target}", Verdict.FAILED, why, "Attach again.", "artifact_differs")
            else:
                yield Check(f"Policy of {target}", Verdict.OK)
    except GatewayError as fault:
        yield Check("Installation can be read", Verdict.FAILED, fault.detail, fault.next_step, fault.code)


async def canary_calls(client: Client, wiring: Wiring, canary: Canary) -> AsyncIterator[Check]:
    """One call that passes, one that is refused."""
    try:
        first = await client.consumer_call(canary.url, canary.key)
        line = _passed(first, canary)
        yield line
        if line.verdict is Verdict.OK:
            yield _refused(await client.consumer_call(canary.url, canary.key), wiring)
    except GatewayError as fault:
        yield Check(_FIRST, Verdict.FAILED, fault.detail, fault.next_step, fault.code)


def _passed(answer: Answer, canary: Canary) -> Check:
    plan = answer.headers.get("x-aforo-plan")
    if answer.status in (401, 404):
        what = "does not take the canary's key" if answer.status == 401 else "knows no API at this address"
        step = "Check the address; a new key takes about a minute to reach every gateway node."
        return Check(_FIRST, Verdict.FAILED, f"the gateway {what} ({answer.status})", step, "canary_refused")
    if answer.status == 503:
        return Check(_FIRST, Verdict.FAILED, "the gateway cannot reach Aforo's edge (503)", _EGRESS, "edge_unreachable")
    if answer.status >= 400:
        words = f"answered {answer.status}"
        return Check(_FIRST, Verdict.FAILED, words, "Look at the trace in the portal's Test tab.", "canary_refused")
    if canary.expects_headers and plan != canary.plan:
        words = "it passes without X-Aforo-Plan: the policy did not run, or could not reach Aforo's edge"
        return Check(_FIRST, Verdict.FAILED, words, f"Check that this API is attached. {_EGRESS}", "canary_unchecked")
    return Check(_FIRST, Verdict.OK, f"plan {plan}")


def _refused(answer: Answer, wiring: Wiring) -> Check:
    if answer.status in (402, 403, 429):
        return Check(_SECOND, Verdict.OK, f"with {answer.status}")
    if not wiring.enforce:
        return Check(_SECOND, Verdict.LIMITED, "not while this gateway observes", "Switch to enforce, then verify.")
    words = f"it was answered with {answer.status}"
    step = "Check that the product is switched to enforce, and that enforcement is not paused."
    return Check(_SECOND, Verdict.FAILED, words, step, "canary_passed")
