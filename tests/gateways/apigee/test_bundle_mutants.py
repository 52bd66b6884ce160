"""What the bundle guarantees, as one question; every bundle that was broken on purpose answers it wrongly."""

from collections.abc import Mapping

import pytest

from aforo.gateways.apigee.artifact import bundle
from aforo.gateways.apigee.mapping.marks import key_id
from tests.gateways.apigee.bundle_lint import faults
from tests.gateways.apigee.installing import HOOKS, SETTINGS, installed
from tests.gateways.apigee.test_bundle import FILES, MANIFEST, POLICIES, SCRIPTS, changed

FLOW = "sharedflowbundle/sharedflows/default.xml"


async def broken_guarantees(files: Mapping[str, bytes], hooks: Mapping[str, bool] = HOOKS) -> list[str]:
    """Names of what does not hold when a key with one unit left calls twice."""
    async with installed(files, units=1, hooks=hooks) as it:
        first, second = await it.call(), await it.call()
        calls, asked, events = it.world.emulator.proxying.backend_calls.total(), it.desk.asked, it.desk.events
        keys = it.desk.keys
    credential = {"integrationId": SETTINGS["integration"], "type": "apigee_key", "nativeId": key_id("mine")}
    held = {
        "the bundle is in order": faults(files) == [],
        "a call within the quota passes": first.status_code == 200,
        "its answer tells what remains, and the plan": (
            first.headers.get("x-aforo-remaining"),
            first.headers.get("x-aforo-plan"),
        )
        == ("0", "pro"),
        "a call beyond the quota is refused": second.status_code == 429,
        "a refusal says when to come back": second.headers.get("retry-after") == "60",
        "a refused call never reaches the backend": calls == 1,
        "each call is asked about once, by the verified key": [one["credential"] for one in asked] == [credential] * 2,
        "the product is named": [one.get("product") for one in asked] == ["orders-v1"] * 2,
        "each call that passed is one event": [one["customerId"] for one in events] == ["cust_1"],
        "the event settles the decision": [one.get("decisionId") for one in events] == ["dec_1"],
        "Aforo is called with the artifact's key": keys == {"Bearer sk_live_x"},
    }
    return [guarantee for guarantee, holds in held.items() if not holds]


async def test_our_bundle_keeps_every_guarantee() -> None:
    assert await broken_guarantees(bundle.metering()) == []


def _dropped(*names: str) -> FILES:
    """Without the steps of these names."""
    text = bundle.metering()[FLOW].decode()
    for name in names:
        step = next(part for part in text.split("  <Step>\n") if f"<Name>{name}</Name>" in part)
        text = text.replace(f"  <Step>\n{step.removesuffix('</SharedFlow>' + chr(10))}", "")
        assert f"<Name>{name}</Name>" not in text
    return {**bundle.metering(), FLOW: text.encode()}


_REFUSALS = ("RF-Aforo-Refuse-Margin", "RF-Aforo-Refuse-Retry", "RF-Aforo-Refuse")
MUTANTS = {
    "no refusal": lambda: _dropped(*_REFUSALS),
    "a refusal that is overlooked": lambda: changed(
        f"{POLICIES}RF-Aforo-Refuse-Retry.xml", 'continueOnError="false"', 'continueOnError="true"'
    ),
    "the verdict inverted": lambda: changed(FLOW, 'aforo.refuses = "true"', 'aforo.refuses != "true"'),
    "request and response inverted": lambda: changed(FLOW, "(response.status.code = null)", "(aforo.metered != null)"),
    "a policy that the manifest does not list": lambda: changed(MANIFEST, "<Policy>VA-Aforo-Key</Policy>", ""),
    "a policy that is gone": lambda: {k: v for k, v in bundle.metering().items() if k != f"{POLICIES}VA-Aforo-Key.xml"},
    "a secret in an open variable": lambda: changed(
        f"{POLICIES}KV-Aforo-Config.xml", '"private.aforo.api_key"', '"aforo.api_key"'
    ),
    "the verified key unread": lambda: changed(f"{SCRIPTS}aforo-ask.js", "Id: verified ?", "Id: !verified ?"),
    "the map of the organization": lambda: changed(
        f"{POLICIES}KV-Aforo-Config.xml", "<Scope>environment<", "<Scope>organization<"
    ),
    "metering without its event": lambda: _dropped("JS-Aforo-Event"),
    "an event that names nobody": lambda: changed(f"{SCRIPTS}aforo-event.js", "aforoText('aforo.customer')", "null"),
    "an unread plan": lambda: _dropped("AM-Aforo-Plan"),
    "the key sent to nobody": lambda: changed(
        f"{POLICIES}SC-Aforo-Check-Http.xml", "Bearer {private.aforo.api_key}", "Bearer"
    ),
}  # fmt: skip


@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=MUTANTS.keys())
async def test_a_bundle_that_was_broken_on_purpose_breaks_a_guarantee(mutant: object) -> None:
    assert callable(mutant)
    assert await broken_guarantees(mutant()) != []


async def test_swapped_hooks_let_refusals_through() -> None:
    swapped = {bundle.PRE: HOOKS[bundle.POST], bundle.POST: HOOKS[bundle.PRE]}
    assert "a refused call never reaches the backend" in await broken_guarantees(bundle.metering(), swapped)


@pytest.mark.parametrize("point", HOOKS)
async def test_one_hook_alone_is_not_enough(point: str) -> None:
    assert await broken_guarantees(bundle.metering(), {point: HOOKS[point]}) != []
