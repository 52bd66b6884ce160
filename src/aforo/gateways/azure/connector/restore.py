"""Puts a recorded product back, step by step: only what differs, under the ETag of what was just read.

Each step reads what stands there now. What already is as recorded is not written again, so a restore that broke off
half-way is finished by the next one. What is neither as recorded nor as the plan saw it is not touched.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from aforo.gateway_sdk.contract import SPEC_KIND, Action, Entity, Product, Step
from aforo.gateway_sdk.errors import GatewayRejected
from aforo.gateways.azure.client import Client, Found, Row
from aforo.gateways.azure.mapping.bodies import document, laid_over, settable, still_to_do
from aforo.gateways.azure.mapping.including import included, with_ours, without_ours
from aforo.gateways.azure.mapping.policies import assembled, with_sections
from aforo.gateways.azure.mapping.products import (
    SPEC_SUFFIX,
    api_entity,
    named_value_entity,
    policy_entity,
    product_entity,
    spec_entity,
)
from aforo.kit.jsontree import Absent, same


class Restore:
    """One restore of one product."""

    def __init__(self, client: Client, recorded: Product, live: Product | None) -> None:
        self._client = client
        self._recorded = recorded
        self._product = live.native_id if live else recorded.native_id

    async def carry_out(self, step: Step) -> None:
        """The effect stands when it returns."""
        await _WRITERS[step.kind](self, step)

    async def named_value(self, step: Step) -> None:
        path = ("namedValues", _native(step))
        found = await self._client.find(*path)
        if step.action is Action.DELETE:
            await self._delete(path, found)
            return
        if step.action is Action.CREATE:
            await self._create_named_value(path, found, _target(step))
            return
        found = _there(found, step)
        fields = named_value_entity(found.row).fields
        if still_to_do(step, fields):
            after = laid_over(fields, step)
            await self._client.patch(path, _members(fields, after), found.etag)

    async def product(self, step: Step) -> None:
        if step.action is Action.DELETE:
            raise _refused(step, "the product itself cannot be taken from the product")
        path = ("products", self._product)
        found = await self._client.find(*path)
        fields = product_entity(found.row).fields if found else {}
        if step.action is Action.UPDATE and not still_to_do(step, fields):
            return
        after = laid_over(fields, step)
        if not found or not same(after, fields):
            body = settable(found.properties if found else {}, after, fields)
            await self._client.put(path, body, found.etag if found else None)

    async def spec(self, step: Step) -> None:
        """An import replaces the description; the API's settings go with it as they are, or as recorded."""
        name = _native(step).removesuffix(SPEC_SUFFIX)
        if step.action is Action.DELETE:
            if await self._holds(name):
                raise _refused(step, f"take the API {name} from the product instead, and its description goes with it")
            return
        found = await self._client.find("apis", name)
        fields = spec_entity(name, await self._client.export(name)).fields if found else {}
        if found and step.action is Action.UPDATE and not still_to_do(step, fields):
            return
        after = laid_over(fields, step) if step.action is Action.UPDATE else dict(_target(step).fields)
        if found and same(after, fields):
            return
        settings = self._settings(found, name)
        text = _json(document(after, settings))
        body = {**settings, "format": "openapi+json", "value": text}
        await self._client.put(("apis", name), body, found.etag if found else None)

    async def api(self, step: Step) -> None:
        """The API's settings, and that it is in the product. Taking it out leaves the API itself alone."""
        name = _native(step)
        if step.action is Action.DELETE:
            await self._client.delete(("products", self._product, "apis", name))
            return
        found = await self._client.find("apis", name)
        if found is None:
            await self._client.put(("apis", name), self._settings(None, name))
        elif step.action is Action.CREATE or still_to_do(step, api_entity(found.row).fields):
            fields = api_entity(found.row).fields
            after = laid_over(fields, step)
            if not same(after, fields):
                await self._client.patch(("apis", name), _members(fields, after), found.etag)
        if step.action is Action.CREATE:
            await self._client.put(("products", self._product, "apis", name), None)

    async def policy(self, step: Step) -> None:
        scope = self._scope(_native(step))
        path = (*scope, "policies", "policy")
        found = await self._client.policy(*scope)
        if step.action is Action.DELETE:
            await self._delete(path, found)
            return
        whole = str(found.properties.get("value") or "") if found else ""
        raw = without_ours(whole)
        fields = policy_entity(step.key, _native(step), raw).fields if found else {}
        if step.action is Action.UPDATE and not still_to_do(step, fields):
            return
        if found and same(_target(step).fields, fields):
            return
        text = _policy_text(step, raw)
        if included(whole):
            text = with_ours(text)
        await self._client.put(path, {"format": "rawxml", "value": text}, found.etag if found else None)

    async def tag(self, step: Step) -> None:
        """Tags are the service's: one is made where it is missing, and then linked to the product."""
        link = ("products", self._product, "tags")
        if step.action is Action.DELETE:
            await self._client.delete((*link, _native(step)))
            return
        name, wanted = _native(step), _target(step).fields["displayName"]
        found = await self._client.find("tags", name)
        if found is None or found.properties.get("displayName") != wanted:
            if found and step.live:
                still_to_do(step, {"displayName": found.properties.get("displayName")})
            named = await self._tag_named(wanted) if found is None else None
            name = named or name
            if named is None:
                await self._client.put(("tags", name), {"displayName": wanted}, found.etag if found else None)
        await self._client.put((*link, name), None)

    async def _tag_named(self, wanted: object) -> str | None:
        """A tag that bears the name under another id, since no two may bear it."""
        rows = await self._client.rows("tags")
        return next((str(row["name"]) for row in rows if row.get("properties", {}).get("displayName") == wanted), None)

    async def _create_named_value(self, path: tuple[str, str], found: Found | None, target: Entity) -> None:
        if found and named_value_entity(found.row).fields == target.fields:
            return
        if target.masked:
            raise GatewayRejected(
                f"The secret value of the named value {target.key} is not known to Aforo, so it cannot be made again.",
                status=400,
                next_step=f"Create the named value {target.key} in Azure by hand, then restore again.",
            )
        await self._client.put(path, dict(target.wished()), found.etag if found else None)

    async def _delete(self, path: tuple[str, ...], found: Found | None) -> None:
        if found:
            await self._client.delete(path, found.etag)

    async def _holds(self, api: str) -> bool:
        rows = await self._client.rows("products", self._product, "apis")
        return any(str(row.get("name")).lower() == api.lower() for row in rows)

    def _settings(self, found: Found | None, name: str) -> dict[str, Any]:
        """What a PUT of an API says besides its description, so that nothing of it is lost."""
        if found:
            return settable(found.properties, {}, {})
        entity = self._recorded.entity("api", name)
        return dict(entity.fields) if entity else {"displayName": name, "path": name}

    def _scope(self, native_id: str) -> tuple[str, str]:
        """`products/gold` or `apis/orders`; the product's own policy goes where the product is now."""
        collection, _, name = native_id.partition("/")
        return (collection, self._product if collection == "products" else name)


def _target(step: Step) -> Entity:
    if step.target is None:
        raise AssertionError(f"{step.title} has no target")
    return step.target


def _native(step: Step) -> str:
    """Where the object is now, else where it was."""
    entity = step.live or step.target
    if entity is None:
        raise AssertionError(f"{step.title} is about nothing")
    return entity.native_id


def _there(found: Found | None, step: Step) -> Found:
    if found is None:
        raise GatewayRejected(
            f"{step.kind} {step.key} is gone since the plan was made.",
            status=404,
            next_step="Look at the difference again, then restore.",
        )
    return found


def _members(before: Mapping[str, Any], after: Mapping[str, Any]) -> Row:
    """The members that differ, each whole."""
    names = [name for name in {**before, **after} if not same(before.get(name), after.get(name))]
    return {name: after[name] if name in after else _nothing(name, before[name]) for name in names}


def _nothing(name: str, value: object) -> object:
    """What clears a member in a PATCH: an empty value of its type, where Azure takes one."""
    if isinstance(value, list):
        return []
    return "" if isinstance(value, str) and name != "serviceUrl" else None


def _policy_text(step: Step, raw: str) -> str:
    if step.action is Action.CREATE:
        return assembled(_target(step).fields)
    changed = {pointer[1:].replace("~1", "/").replace("~0", "~"): value for pointer, value in step.changed.items()}
    told = {name: None if isinstance(value, Absent) else str(value) for name, value in changed.items()}
    return with_sections(raw, told)


def _refused(step: Step, why: str) -> GatewayRejected:
    return GatewayRejected(f"Aforo does not {step.title}: {why}.", status=400, next_step="Leave this one unticked.")


def _json(document_: Mapping[str, Any]) -> str:
    import json

    return json.dumps(document_, ensure_ascii=False)


_WRITERS: Final[Mapping[str, Callable[[Restore, Step], Awaitable[None]]]] = {
    "named_value": Restore.named_value,
    "product": Restore.product,
    SPEC_KIND: Restore.spec,
    "api": Restore.api,
    "policy": Restore.policy,
    "tag": Restore.tag,
}
