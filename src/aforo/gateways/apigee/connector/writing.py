"""Carries out the steps of a restore: what concerns the product and its operations is one write, a plan is one each."""

from collections.abc import Sequence
from itertools import groupby
from typing import Final

from aforo.gateway_sdk.contract import Action, Entity, Product, Step, StepDone
from aforo.gateway_sdk.errors import GatewayNotFound, PostconditionFailed
from aforo.gateways.apigee.client import Client
from aforo.gateways.apigee.mapping import Document, Row, new_rate_plan, overlaid, rate_plan, unmet
from aforo.kit.jsontree import Absent, canonical

_ATTRIBUTE: Final = "/attributes/"


class Writer:
    """Writes one product's steps. Each reads what stands there now, so that doing it again does nothing more."""

    def __init__(self, client: Client, recorded: Product, live: Product | None) -> None:
        self._client = client
        self._recorded = recorded
        self._live = live
        self._name = recorded.native_id

    async def carry_out(self, steps: Sequence[Step], done: StepDone) -> None:
        """In the order given: runs of steps on the product's own document are one write."""
        for is_plan, run in groupby(steps, lambda step: step.kind == "rateplan"):
            if is_plan:
                for step in run:
                    await self._write_plan(step)
                    done(step)
            else:
                together = list(run)
                await self._write_document(together)
                for step in together:
                    done(step)

    async def _write_document(self, steps: list[Step]) -> None:
        if _is_attributes_only(steps):
            await self._write_attributes(steps[0])
            return
        fresh = await self._client.find("apiproducts", self._name)
        if fresh is None and not any(step.kind == "product" and step.action is Action.CREATE for step in steps):
            raise GatewayNotFound(
                f"The API product {self._name} is no longer there. Nothing was written.",
                status=404,
                next_step="Look at the difference again: a restore can make it anew.",
            )
        document = Document(self._name, fresh, self._recorded)
        for step in steps:
            document.take(step)
        if not document.has_changed:
            return
        if fresh is None:
            answer = await self._client.post(("apiproducts",), document.body)
        else:
            answer = await self._client.put(("apiproducts", self._name), document.body)
        _stands(document.unmet(answer, steps))

    async def _write_attributes(self, step: Step) -> None:
        """One by one, so that nothing else of the product is written at all."""
        for pointer, value in step.changed.items():
            name = pointer.removeprefix(_ATTRIBUTE).replace("~1", "/").replace("~0", "~")
            path = ("apiproducts", self._name, "attributes", name)
            if isinstance(value, Absent):
                await self._client.delete(*path)
                continue
            answer = await self._client.post(path, {"name": name, "value": value})
            _stands([] if (answer.get("value") or "") == value else [f"/product/{step.key}{pointer}"])

    async def _write_plan(self, step: Step) -> None:
        path = ("apiproducts", self._name, "rateplans")
        if step.action is Action.DELETE and step.live:
            await self._client.delete(*path, step.live.native_id)
        elif step.action is Action.UPDATE and step.live:
            fresh = await self._client.get(*path, step.live.native_id)
            body = overlaid("rateplan", fresh, step.changed)
            answer = await self._client.put((*path, step.live.native_id), _without_output(body))
            _stands([f"/rateplan/{step.key}{one}" for one in unmet("rateplan", answer, step.changed)])
        elif step.target and not await self._has_been_made(step.target):
            await self._client.post(path, new_rate_plan(step.target, self._name))

    async def _has_been_made(self, target: Entity) -> bool:
        """Whether an attempt that broke off has made this plan already: one like it that was not there before."""
        listing = await self._client.rate_plans(self._name)
        if listing.fault:
            raise listing.fault
        before = {entity.native_id for entity in self._live.entities} if self._live else set()
        wish = canonical(target.wished())
        return any(
            canonical(rate_plan(row, target.key).wished()) == wish
            for row in listing.rows
            if str(row["name"]) not in before
        )


def _is_attributes_only(steps: Sequence[Step]) -> bool:
    """A single change of attributes alone has calls of its own, which replace nothing else."""
    return (
        len(steps) == 1
        and steps[0].kind == "product"
        and steps[0].action is Action.UPDATE
        and all(pointer.startswith(_ATTRIBUTE) for pointer in steps[0].changed)
    )


def _without_output(body: Row) -> Row:
    return {name: value for name, value in body.items() if name != "name"}


def _stands(missing: Sequence[str]) -> None:
    if missing:
        raise PostconditionFailed(
            f"Apigee accepted the write, but its answer does not show {', '.join(missing)}.",
            next_step="Look at the product's drift; Apigee may not let these values be set.",
        )
