"""Aforo's fragments at an emulated service, against the edge's own code: who passes, what is told, what is metered."""

from dataclasses import replace
from pathlib import Path

import pytest

from aforo.gateway_sdk.artifact import Canary, FailMode, Phase
from aforo.gateway_sdk.contract import Verdict
from aforo.gateway_sdk.emulator import Switchboard
from aforo.gateway_sdk.errors import GatewayChanged, GatewayError
from aforo.gateways.azure.mapping.policies import sections
from tests.gateways.azure.artifact_parts import PRIMARY, SECONDARY, STRANGER, Enforced, enforced
from tests.gateways.azure.azure_parts import saved_meanwhile
from tests.gateways.azure.vendor import Described


async def test_calls_pass_with_headers_until_the_quota_is_spent_and_then_reach_no_backend(tmp_path: Path) -> None:
    async with enforced(tmp_path, units=3) as there:
        answers = [await there.ask() for _ in range(3)]
        assert [(one.status_code, one.headers["x-aforo-remaining"]) for one in answers] == [
            (200, "2"), (200, "1"), (200, "0"),
        ]  # fmt: skip
        assert {one.headers["x-aforo-plan"] for one in answers} == {"pro"}
        assert there.reached == 3
        refused = await there.ask()
        assert (refused.status_code, there.reached) == (429, 3)
        assert refused.json()["retryAfter"] == int(refused.headers["retry-after"]) > 0
        assert await there.used() == 3
        assert len(there.way.events()) == 3


async def test_each_call_is_one_event_that_settles_its_decision(tmp_path: Path) -> None:
    async with enforced(tmp_path, units=50) as there:
        for _ in range(4):
            assert (await there.ask()).status_code == 200
        events = there.way.events()
        assert len({one["idempotencyKey"] for one in events}) == len(events) == 4
        assert {(one["customerId"], one["statusCode"], one["httpMethod"]) for one in events} == {
            (there.customer, 200, "GET")
        }
        there.clock.forward(seconds=3_600)
        assert await there.used() == 4


@pytest.mark.parametrize("key", [PRIMARY, SECONDARY])
async def test_the_credential_is_the_slot_that_was_used(tmp_path: Path, key: str) -> None:
    async with enforced(tmp_path) as there:
        assert (await there.ask(key=key)).status_code == 200
        ((_, asked), _) = there.way.asked
        assert asked["credential"]["nativeId"].endswith("/secondary") == (key == SECONDARY)


async def test_one_slot_that_is_revoked_is_refused_while_the_other_passes(tmp_path: Path) -> None:
    async with enforced(tmp_path) as there:
        native = (await _native(there)) + "/secondary"
        there.shop.run("UPDATE test_credentials SET state = 'REVOKED' WHERE native_id = ?", (native,))
        there.shop.logged("x", "credential.revoked")
        await there.edge.refresh()
        assert [(await there.ask(key=key)).status_code for key in (PRIMARY, SECONDARY)] == [200, 401]


async def _native(there: Enforced) -> str:
    await there.ask()
    return str(there.way.asked[-2][1]["credential"]["nativeId"])


async def test_forged_headers_change_nothing(tmp_path: Path) -> None:
    async with enforced(tmp_path, units=2) as there:
        forged = dict.fromkeys(
            ("X_Customer_Id", "X_Client_Id", "X_Tenant_Id", "X_Agent_Id", "X_Aforo_Plan", "X_Aforo_Remaining",
             "X_Margin_Guard_Warning", "aforo_native"), "cust_rival",
        )  # fmt: skip
        answers = [await there.ask(**forged) for _ in range(3)]
        assert [one.status_code for one in answers] == [200, 200, 429]
        assert answers[0].headers["x-aforo-plan"] == "pro"
        assert {one["customerId"] for one in there.way.events()} == {there.customer}
        received = there.app.proxying.received
        assert received is not None
        assert "x-margin-guard-warning" not in received.headers


@pytest.mark.parametrize(
    ("fail_mode", "enforce", "status"),
    [(FailMode.OPEN, True, 200), (FailMode.CLOSED, True, 503), (FailMode.CLOSED, False, 200)],
)
async def test_without_the_edge_the_fail_mode_decides_and_observing_lets_pass(
    tmp_path: Path, fail_mode: FailMode, enforce: bool, status: int
) -> None:
    async with enforced(tmp_path, fail_mode=fail_mode) as there:
        await there.install(enforce=enforce)
        there.way.is_down = True
        answer = await there.ask()
        assert answer.status_code == status
        assert there.reached == int(status == 200)
        assert ("retry-after" in answer.headers) == (status == 503)


async def test_an_edge_that_refuses_our_key_is_as_one_that_is_not_there(tmp_path: Path) -> None:
    async with enforced(tmp_path, fail_mode=FailMode.CLOSED) as there:
        await there.install(api_key="sk_live_wrong")
        assert (await there.ask()).status_code == 503


async def test_the_mode_is_switched_by_named_values_alone(tmp_path: Path) -> None:
    async with enforced(tmp_path, units=1) as there:
        statuses = [(await there.ask()).status_code for _ in range(2)]
        assert statuses == [200, 429]
        before = {path: row for path, row in there.resources().items() if not path.startswith("namedvalues/aforo-")}
        await there.artifact().set_mode(replace(there.wiring, enforce=False), ())
        assert (await there.ask()).status_code == 200
        after = {path: row for path, row in there.resources().items() if not path.startswith("namedvalues/aforo-")}
        assert before == after


async def test_preflights_excluded_paths_and_keyless_calls_pass_unasked_and_are_metered(tmp_path: Path) -> None:
    async with enforced(tmp_path, excluded=("/health", '/a"b')) as there:
        there.hand("PATCH", "apis/orders", {"subscriptionRequired": False})
        assert (await there.ask("orders/health/live")).status_code == 200
        assert (await there.ask("orders/healthier", key=STRANGER)).status_code == 403
        preflight = {"Origin": "https://shop.example", "Access_Control_Request_Method": "GET"}
        assert (await there.ask(method="OPTIONS", **preflight)).status_code == 200
        assert (await there.ask(key="")).status_code == 200
        assert [path for path, _ in there.way.asked if path != "/v1/check"] == ["/v1/ingest"] * 3
        assert "decisionId" not in {name for one in there.way.events() for name, value in one.items() if value}


async def test_a_caller_whom_aforo_does_not_know_is_refused_only_while_enforced(tmp_path: Path) -> None:
    async with enforced(tmp_path) as there:
        refused = await there.ask(key=STRANGER)
        assert (refused.status_code, refused.json()["message"]) == (403, "This call is not covered by a subscription.")
        await there.install(enforce=False)
        assert (await there.ask(key=STRANGER)).status_code == 200
        assert there.reached == 1


async def test_a_call_that_fails_at_the_backend_is_metered_once_with_its_status(tmp_path: Path) -> None:
    async with enforced(tmp_path) as there:
        there.app.proxying.backend_is_down = True
        assert (await there.ask()).status_code == 500
        (event,) = there.way.events()
        assert event["statusCode"] == 500
        assert await there.used() == 1


async def test_a_call_that_somebody_elses_policy_refuses_gives_its_unit_back(tmp_path: Path) -> None:
    async with enforced(tmp_path) as there:
        told = {"displayName": "limit", "method": "GET", "urlTemplate": "/limited"}
        there.hand("PUT", "apis/orders/operations/limited", told)
        limit = '<rate-limit-by-key calls="1" renewal-period="60" counter-key="x" />'
        limit = f"<policies><inbound><base />{limit}</inbound></policies>"
        there.hand("PUT", "apis/orders/operations/limited/policies/policy", {"format": "rawxml", "value": limit})
        assert [(await there.ask("orders/limited")).status_code for _ in range(2)] == [200, 429]
        assert len(there.way.events()) == 1
        assert await there.used() == 1


async def test_the_backends_own_answers_and_other_apis_are_left_alone(tmp_path: Path) -> None:
    async with enforced(tmp_path) as there:
        there.hand("PUT", "subscriptions/all", {"scope": "/apis", "displayName": "all", "primaryKey": "all-keys"})
        answer = await there.ask("weather", key="all-keys")
        assert answer.json()["api"] == "weather"
        assert there.way.asked == []


async def test_others_edits_before_and_after_attaching_survive_and_ours_leave_no_trace(tmp_path: Path) -> None:
    async with enforced(tmp_path, install=False) as there:
        theirs = (
            '<policies><inbound><!-- include-fragment fragment-id="aforo-inbound" -->'
            '<set-variable name="x" value="@(context.Api.Name + ">" + "<base />")" /><base />'
            '<trace source="a">b</trace></inbound><outbound /></policies>'
        )
        there.hand("PUT", "apis/orders/policies/policy", {"format": "rawxml", "value": theirs})
        before, stood = there.resources(), there.policy("apis/orders")
        await there.install()
        await there.install()
        text = there.policy("apis/orders") or ""
        assert text.index('value="@(context.Api') < text.index("<base />\r\n") < text.index("<include-fragment")
        assert (await there.ask()).status_code == 200
        await there.detach()
        assert there.policy("apis/orders") == stood
        assert there.resources() == before

        await there.install()
        text = there.policy("apis/orders") or ""
        edited = text.replace('<trace source="a">b</trace>', '<trace source="later">mine</trace>')
        there.hand("PUT", "apis/orders/policies/policy", {"format": "rawxml", "value": edited})
        await there.detach()
        left = there.policy("apis/orders") or ""
        assert "later" in left
        assert "<include-fragment" not in left
        assert (
            sections(left)["inbound"]
            == sections((stood or "").replace(">b<", ">mine<").replace('"a"', '"later"'))["inbound"]
        )
        await there.detach()


@pytest.mark.parametrize("target", ["global", "product:orders", "api:orders"])
async def test_each_place_can_be_attached_and_detached(tmp_path: Path, target: str) -> None:
    async with enforced(tmp_path, install=False, units=1) as there:
        before = there.resources()
        await there.install(targets=(target,))
        assert [(await there.ask()).status_code for _ in range(2)] == [200, 429]
        status = await there.artifact().status(there.wiring, there.receipt)
        assert (status.phase, status.attached) == (Phase.ATTACHED, (target,))
        await there.detach()
        assert there.resources() == before
        assert (await there.artifact().status(there.wiring, None)).phase is Phase.ABSENT


async def test_attached_twice_a_call_is_asked_and_metered_once(tmp_path: Path) -> None:
    async with enforced(tmp_path, targets=("global", "api:orders")) as there:
        assert (await there.ask()).status_code == 200
        assert [path for path, _ in there.way.asked] == ["/v1/check", "/v1/ingest"]


async def test_a_preview_writes_nothing_and_names_what_is_hit(tmp_path: Path) -> None:
    async with enforced(tmp_path, install=False) as there:
        before = there.resources()
        rollout = await there.artifact().preview(there.wiring)
        assert there.resources() == before
        assert rollout.hits == ("api:orders",)
        assert [one.action for one in rollout.steps].count("create") == 9
        await there.install()
        assert {one.action for one in (await there.artifact().preview(there.wiring)).steps} == {"update", "keep"}


async def test_verify_sees_one_pass_and_one_refusal_and_explains_what_is_wrong(tmp_path: Path) -> None:
    async with enforced(tmp_path, units=1) as there:
        canary = Canary("http://azure.emulator/proxy/orders", PRIMARY, there.customer, "pro")
        lines = [one async for one in there.artifact().verify(there.wiring, there.receipt, canary)]
        assert [one.verdict for one in lines] == [Verdict.OK] * 6
        there.way.is_down = True
        lines = [one async for one in there.artifact().verify(there.wiring, there.receipt, canary)]
        assert lines[-1].verdict is Verdict.FAILED
        assert "without X-Aforo-Plan" in lines[-1].detail
        there.hand("DELETE", "apis/orders/policies/policy")
        lines = [one async for one in there.artifact().verify(there.wiring, there.receipt, None)]
        assert [one.code for one in lines if one.verdict is Verdict.FAILED] == ["artifact_differs"]
        assert (await there.artifact().status(there.wiring, there.receipt)).phase is Phase.DIFFERS


async def test_an_edited_fragment_shows_and_a_strangers_is_never_overwritten(tmp_path: Path) -> None:
    async with enforced(tmp_path) as there:
        mine = there.hand("GET", "policyFragments/aforo-outbound")["properties"]
        edited = {"value": "<fragment><trace source='x'>y</trace></fragment>", "format": "rawxml"}
        there.hand("PUT", "policyFragments/aforo-outbound", {**edited, "description": mine["description"]})
        assert (await there.artifact().status(there.wiring, there.receipt)).phase is Phase.DIFFERS
        await there.install()
        assert (await there.artifact().status(there.wiring, there.receipt)).phase is Phase.ATTACHED
        there.hand("PUT", "policyFragments/aforo-outbound", edited)
        with pytest.raises(GatewayError, match="is not this integration's"):
            await there.install()


async def test_somebody_who_saves_the_policy_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    async with enforced(tmp_path, install=False) as there:
        there.hand(
            "PUT", "apis/orders/policies/policy", {"format": "rawxml", "value": "<policies><inbound /></policies>"}
        )
        there.board.faults.append(saved_meanwhile(there.app, "apis/orders/policies/policy"))
        with pytest.raises(GatewayChanged):
            await there.install()


async def test_a_place_that_is_none_is_refused_in_words(tmp_path: Path) -> None:
    async with enforced(tmp_path, install=False) as there:
        with pytest.raises(GatewayError, match="no place to attach to"):
            await there.install(targets=("orders",))


async def test_the_key_is_a_secret_of_the_service(tmp_path: Path) -> None:
    async with enforced(tmp_path) as there:
        told = str([there.hand("GET", path) for path in ("namedValues/aforo-key", "policyFragments/aforo-inbound")])
        assert there.wiring.api_key not in told


@pytest.mark.conformance
async def test_every_call_of_the_artifact_is_in_the_vendors_description(tmp_path: Path) -> None:
    async with enforced(tmp_path, install=False) as there:
        described = Described(there.app)
        there.board = Switchboard(described)
        await there.install()
        await there.install()
        await there.artifact().set_mode(there.wiring, ())
        assert [one async for one in there.artifact().verify(there.wiring, there.receipt, None)]
        await there.detach()
        assert described.faults == []
        assert ("post /policyFragments/{id}/listReferences", 200) in described.seen
        assert ("delete /policyFragments/{id}", 200) in described.seen
