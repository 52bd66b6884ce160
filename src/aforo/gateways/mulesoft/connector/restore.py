"""Puts a recorded instance back: only what differs, laid over a fresh read of what stands there.

Every step can be done again: what an earlier try has made is found by its name and brought into line, not made twice.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from aforo.gateway_sdk.contract import SPEC_KIND, Action, Entity, Product, Step, StepDone
from aforo.gateway_sdk.errors import GatewayError, GatewayNotFound, GatewayRejected
from aforo.gateways.mulesoft.client import Anypoint, Row
from aforo.gateways.mulesoft.connector.reading import instance, whole
from aforo.gateways.mulesoft.connector.sight import APIS, TIERS
from aforo.gateways.mulesoft.mapping import bodies
from aforo.gateways.mulesoft.mapping.products import (
    Seen,
    api_id,
    distinct,
    flat,
    policy_key,
    product,
    refs,
    row_id,
    tier_key,
    upstream_key,
)
from aforo.kit.jsontree import Absent, Json

_KEYS: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "tier": tier_key,
    "policy": policy_key,
    "upstream": upstream_key,
}
_COLLECTIONS: Final = {"tier": "tiers", "policy": "policies", "upstream": "upstreams"}
_CHILDREN: Final = tuple(_KEYS)


class Restore:
    """One restore of one product."""

    def __init__(self, anypoint: Anypoint, recorded: Product, live: Product | None) -> None:
        self._anypoint = anypoint
        self._recorded = recorded
        self._native = live.native_id if live else ""
        self._is_new = live is None
        self._known = {(one.kind, one.native_id) for one in live.entities} if live else set()

    async def carry_out(self, steps: Sequence[Step], done: StepDone) -> None:
        """In order, but upstreams before routes that lead to them, and updates first where a name must be free."""
        if steps and not self._native:
            self._native = await self._instance_again()
        for step in ordered(steps):
            await self._carry_out(step)
            done(step)

    async def _carry_out(self, step: Step) -> None:
        if step.kind == SPEC_KIND:
            await self._point_to_recorded_version()
        elif step.kind == "api":
            await self._write_api(step)
        elif step.kind in _CHILDREN and step.action is Action.DELETE and step.live:
            await self._remove(step.live)
        elif step.kind in _CHILDREN and step.target:
            await self._write_child(step, step.target)

    async def _instance_again(self) -> str:
        """The instance that an earlier try has made in place of the deleted one, else a new one."""
        target = self._api_entity()
        listed = await self._anypoint.listing("assets", "apis", assetId=str(target.fields.get("assetId")))
        given = refs(flat(whole(listed, "API instances", APIS)))
        found = next((native for native, ref in given.items() if ref == self._recorded.ref), None)
        if found is None:
            await self._asset_of(target)
            found = api_id(await self._anypoint.post(("apis",), bodies.new_api(target)))
        return found

    def _api_entity(self) -> Entity:
        target = next((one for one in self._recorded.entities if one.kind == "api"), None)
        if target is None:
            raise GatewayError(
                f"{self._recorded.ref} has no recorded settings to restore.",
                next_step="Accept the gateway's version, or import the product again.",
            )
        return target

    async def _asset_of(self, target: Entity) -> None:
        """Make sure that the recorded version of the asset is still in Exchange."""
        where = [str(target.fields.get(name)) for name in ("groupId", "assetId", "assetVersion")]
        if await self._anypoint.asset(where[0], where[1], where[2]) is None:
            raise GatewayNotFound(
                f"Version {where[2]} of {where[1]} is no longer in Exchange, and Exchange takes no version twice.",
                status=404,
                next_step="Publish the recorded description as a new patch version, point the instance to it, and "
                "accept the gateway's version.",
            )

    async def _point_to_recorded_version(self) -> None:
        """Exchange versions are immutable, so a description comes back with the version that held it."""
        target = self._api_entity()
        now = await self._fresh()
        version = target.fields.get("assetVersion")
        if now.get("assetVersion") == version:
            if self._is_new:
                return
            raise GatewayRejected(
                f"The instance already points to version {version}, whose description in Exchange is not the recorded "
                "one. Aforo cannot change a published version.",
                status=409,
                next_step="Publish the recorded description as a new patch version and point the instance to it, or "
                "accept the gateway's version.",
            )
        await self._asset_of(target)
        await self._anypoint.patch(("apis", self._native), {"assetVersion": version})

    async def _write_api(self, step: Step) -> None:
        if step.target is None:
            raise GatewayRejected(
                f"Aforo does not {step.title}: a product cannot be without it.",
                status=400,
                next_step="Leave this one unticked.",
            )
        now = await self._fresh()
        if step.action is Action.CREATE:
            live = product(Seen(now, (), (), await self._rows("upstream"), None), "").entities[0]
            step = Step(Action.UPDATE, "api", step.key, step.target, live, bodies.all_changed(step.target, live))
        body = bodies.patch(step, now)
        if "/routing" in step.changed:
            body["routing"] = bodies.routes(step.changed["/routing"], await self._upstream_ids())
        if body:
            await self._anypoint.patch(("apis", self._native), body)
        if "/tags" in step.changed:
            await self._write_tags(now.get("tags"), step.changed["/tags"])

    async def _write_tags(self, now: Json, wanted: Json | Absent) -> None:
        missing, too_many = bodies.differing_tags(now, wanted)
        for tag in missing:
            await self._anypoint.put(("apis", self._native, "tags", tag))
        for tag in too_many:
            await self._anypoint.delete("apis", self._native, "tags", tag)

    async def _write_child(self, step: Step, target: Entity) -> None:
        rows = await self._rows(step.kind)
        live = step.live or self._made_meanwhile(target, rows)
        row = next((row for row in rows if live and row_id(row) == live.native_id), None)
        if live is None or row is None:
            await self._create(target)
            return
        changed = step.changed if step.live else bodies.all_changed(target, live)
        step = Step(Action.UPDATE, step.kind, step.key, target, live, changed)
        if step.kind == "tier":
            await self._anypoint.put(self._path("tier", live.native_id), bodies.tier_body(row, changed))
        elif body := bodies.patch(step, row):
            await self._anypoint.patch(self._path(step.kind, live.native_id), body)
        if "/disabled" in changed:
            await self._anypoint.switch_policy(self._native, live.native_id, on=not changed["/disabled"])

    def _made_meanwhile(self, target: Entity, rows: Sequence[Row]) -> Entity | None:
        """What is to be created may be there since an earlier try; what the plan has seen is another's."""
        seen = Seen(
            {"id": self._native},
            rows if target.kind == "tier" else (),
            rows if target.kind == "policy" else (),
            rows if target.kind == "upstream" else (),
            None,
        )
        found = product(seen, "").entity(target.kind, target.key)
        return found if found and (found.kind, found.native_id) not in self._known else None

    async def _create(self, target: Entity) -> None:
        make = {"tier": bodies.new_tier, "policy": bodies.new_policy, "upstream": bodies.new_upstream}[target.kind]
        made = await self._anypoint.post(self._path(target.kind), make(target))
        if target.fields.get("disabled"):
            await self._anypoint.switch_policy(self._native, row_id(made), on=False)

    async def _remove(self, live: Entity) -> None:
        try:
            await self._anypoint.delete(*self._path(live.kind, live.native_id))
        except GatewayRejected as fault:
            if live.kind != "tier":
                raise
            raise GatewayRejected(
                fault.detail,
                status=fault.status,
                next_step="A tier that applications use cannot be deleted: move their contracts to another tier, or "
                "set this one to DEPRECATED.",
            ) from fault

    async def _fresh(self) -> Row:
        found = await instance(self._anypoint, self._native)
        if found is None:
            raise GatewayNotFound(
                f"API instance {self._native} is gone.", status=404, next_step="Look at the difference again."
            )
        return found

    async def _rows(self, kind: str) -> list[Row]:
        if kind == "policy":
            return await self._anypoint.policies(self._native)
        name = _COLLECTIONS[kind]
        need = TIERS if kind == "tier" else APIS
        return whole(await self._anypoint.listing(name, "apis", self._native, name), name, need)

    async def _upstream_ids(self) -> dict[str, str]:
        keys = distinct(await self._rows("upstream"), upstream_key)
        return {key: native for native, key in keys.items()}

    def _path(self, kind: str, native: str = "") -> tuple[str, ...]:
        path = ("apis", self._native, _COLLECTIONS[kind])
        return (*path, native) if native else path


def ordered(steps: Sequence[Step]) -> list[Step]:
    """Upstreams, then the rest in the order given; updates before creations of the same kind; removals stay last."""
    return sorted(steps, key=lambda step: (step.action is Action.DELETE, *_rank(step)))


def _rank(step: Step) -> tuple[int, bool]:
    if step.action is Action.DELETE:
        return 0, False
    kinds = ("upstream", SPEC_KIND, "api", "tier", "policy")
    return kinds.index(step.kind) if step.kind in kinds else len(kinds), step.action is Action.CREATE
