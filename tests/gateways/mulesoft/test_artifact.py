"""Enforcement at Anypoint without code: policies of MuleSoft's own, applied, switched and taken away."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from aforo.gateway_sdk.artifact import Phase, Receipt, Wiring
from aforo.gateway_sdk.contract import Verdict
from aforo.gateway_sdk.emulator import Fault
from aforo.gateway_sdk.errors import GatewayError
from aforo.gateway_sdk.provision import Seat, Standing
from aforo.gateways.mulesoft import artifact, connector
from aforo.gateways.mulesoft.emulator.seeding import ENVIRONMENT, ORGANIZATION
from tests.gateways.mulesoft.mulesoft_parts import quiet
from tests.gateways.mulesoft.provision_parts import MINUTE, Shop, seat, wanted

PLACE = f"/apimanager/api/v1/organizations/{ORGANIZATION}/environments/{ENVIRONMENT}"


class Enforced:
    """One instance without any policy, a subscriber on a tier of two calls a minute, and Aforo's wiring for it."""

    def __init__(self) -> None:
        self.shop = Shop(4)
        self.product = self.shop.product(0)
        self.shop.without_policies(self.product)
        self.artifact = artifact.connect(self.shop.connection("connected_app", {}))
        self.wiring = Wiring("int_1", "sk", "http://edge/v1/ingest", (self.product,), enforce=True)
        self.receipt = Receipt("1", ())
        self.secret: str | None = ""
        self.client_id = ""

    async def subscribed(self) -> Seat:
        wished = seat(wanted("one"), scope=(self.product,), limits=(MINUTE,))
        seated = await self.shop.provisioner().converge(wished)
        self.client_id, self.secret = seated.keys[0].native_id, seated.keys[0].secret
        return replace(wished, keys=(replace(wished.keys[0], native_id=self.client_id),))

    async def attach(self, *, enforce: bool = True) -> None:
        self.wiring = replace(self.wiring, enforce=enforce)
        self.receipt = await self.artifact.attach(self.wiring, self.receipt, quiet)

    async def asks(self, client_id: str | None = None) -> int:
        return await self.shop.opens(self.product, self.client_id if client_id is None else client_id, self.secret)

    async def seen(self) -> list[tuple[str, str]]:
        """The parts of the product as a scan reads them."""
        gateway = connector.connect(self.shop.connection("connected_app", {}))
        found = await gateway.discover(quiet)
        await gateway.aclose()
        product = next(one for one in found.products if one.native_id == self.product.native_id)
        return [(entity.kind, entity.key) for entity in product.entities]

    def policies(self) -> list[tuple[str, bool, object]]:
        rows = self.shop.tables["policies"].values()
        mine = [row for row in rows if str(row["apiId"]) == self.product.native_id]
        return [(row["assetId"], row["disabled"], row["pointcutData"]) for row in mine]


@asynccontextmanager
async def enforced() -> AsyncIterator[Enforced]:
    there = Enforced()
    yield there
    await there.artifact.aclose()
    await there.shop.http.aclose()


async def test_attached_a_tier_holds_its_applications_and_strangers_reach_no_backend() -> None:
    async with enforced() as there:
        await there.subscribed()
        assert await there.asks("nobody") == 200
        await there.attach()
        reached = there.shop.app.proxying.backend_calls.total()
        assert [await there.asks() for _ in range(3)] == [200, 200, 429]
        assert await there.asks("nobody") == 401
        assert there.shop.app.proxying.backend_calls.total() == reached + 2


async def test_a_revoked_contract_refuses_where_the_policy_is_attached() -> None:
    async with enforced() as there:
        seated = await there.subscribed()
        await there.attach()
        assert await there.asks() == 200
        gone = replace(seated, keys=(replace(seated.keys[0], standing=Standing.SUSPENDED),))
        await there.shop.provisioner().converge(gone)
        assert await there.asks() == 403


async def test_detached_the_instance_is_as_it_was_and_others_policies_stay() -> None:
    async with enforced() as there:
        await there.subscribed()
        before = there.policies()
        await there.attach()
        await there.attach()
        assert len(there.receipt.made) == len(there.policies()) == 1
        token = {"groupId": "g", "assetId": "message-logging", "assetVersion": "2.0.0", "configurationData": {}}
        await there.shop.call("POST", f"{PLACE}/apis/{there.product.native_id}/policies", token)
        await there.artifact.detach(there.wiring, there.receipt)
        assert [one[0] for one in there.policies()] == ["message-logging"]
        assert before == []
        await there.artifact.detach(there.wiring, there.receipt)


async def test_the_applied_policy_is_no_part_of_the_product_and_an_edited_or_foreign_one_is() -> None:
    async with enforced() as there:
        await there.subscribed()
        before = await there.seen()
        await there.attach()
        assert await there.seen() == before, "attaching shows as drift"
        (row,) = (row for row in there.shop.tables["policies"].values() if str(row["apiId"]) == there.product.native_id)
        row["configurationData"]["clientIdExpression"] = "#[attributes.headers['client_id']]"
        assert [key for key in await there.seen() if key not in before] == [("policy", "rate-limiting-sla-based")]


async def test_a_policy_that_was_there_is_used_switched_on_and_put_back() -> None:
    async with enforced() as there:
        await there.subscribed()
        await there.attach()
        native = there.receipt.made[0].partition(":")[2]
        await there.artifact.set_mode(replace(there.wiring, enforce=False), ())
        there.receipt = Receipt("1", ())
        (step,) = (await there.artifact.preview(there.wiring)).steps
        assert (step.action, bool(step.danger)) == ("update", True)
        await there.attach()
        assert there.receipt.made == ()
        assert [one[1] for one in there.policies()] == [False]
        await there.artifact.detach(there.wiring, there.receipt)
        assert [(one[0], one[1]) for one in there.policies()] == [("rate-limiting-sla-based", True)]
        assert native in {str(one) for one in there.shop.tables["policies"]}


async def test_observing_refuses_nobody_at_any_moment_and_enforcing_is_a_switch() -> None:
    async with enforced() as there:
        await there.subscribed()
        there.shop.board.faults.append(Fault(400, path="/apimanager/xapi/", method="POST"))
        with pytest.raises(GatewayError):
            await there.attach(enforce=False)
        assert len(there.policies()) == 1
        assert await there.asks("nobody") == 200, "applied, and not yet switched off"
        await there.attach(enforce=False)
        assert there.policies() == [("rate-limiting-sla-based", True, None)]
        assert len(there.receipt.made) == 1
        assert await there.asks("nobody") == 200
        await there.artifact.set_mode(replace(there.wiring, enforce=True), ())
        assert await there.asks("nobody") == 401


async def test_without_a_tier_callers_are_asked_for_and_not_limited() -> None:
    async with enforced() as there:
        for row in [one for one in there.shop.tables["tiers"].values() if str(one["apiId"]) == there.product.native_id]:
            row["status"] = "DEPRECATED"
        await there.attach()
        assert [one[0] for one in there.policies()] == ["client-id-enforcement"]
        (line,) = [one async for one in there.artifact.verify(there.wiring, there.receipt, None)]
        assert (line.verdict, "not limited" in line.detail) == (Verdict.LIMITED, True)


async def test_status_and_verify_tell_what_somebody_took_away() -> None:
    async with enforced() as there:
        await there.subscribed()
        assert (await there.artifact.status(there.wiring, None)).phase is Phase.ABSENT
        await there.attach()
        assert (await there.artifact.status(there.wiring, there.receipt)).phase is Phase.ATTACHED
        assert [one.verdict async for one in there.artifact.verify(there.wiring, there.receipt, None)] == [Verdict.OK]
        there.shop.without_policies(there.product)
        assert (await there.artifact.status(there.wiring, there.receipt)).phase is Phase.DIFFERS
        (line,) = [one async for one in there.artifact.verify(there.wiring, there.receipt, None)]
        assert line.code == "artifact_differs"


async def test_a_preview_writes_nothing_and_an_unknown_instance_is_refused_in_words() -> None:
    async with enforced() as there:
        before = there.shop.picture()
        (step,) = (await there.artifact.preview(there.wiring)).steps
        assert (step.action, there.shop.picture()) == ("create", before)
        with pytest.raises(GatewayError, match="no API instance that is sold here"):
            await there.artifact.preview(replace(there.wiring, targets=("nowhere",)))
