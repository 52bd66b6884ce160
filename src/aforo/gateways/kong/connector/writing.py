"""Carries out the steps of a restore: one write for each, with what differs and nothing else."""

from collections.abc import Iterable, Sequence
from typing import Final

from aforo.gateway_sdk.contract import Action, Entity, Product, Step
from aforo.gateways.kong.client import Client
from aforo.gateways.kong.connector.schemas import Schemas
from aforo.gateways.kong.mapping import (
    PARENTS,
    REFERENCES,
    THIS,
    UNKNOWN,
    Row,
    Schema,
    changed_references,
    consumer_key,
    creation,
    differences,
    keeping_our_tag,
    native_ids,
    new_owner,
    patch,
    reference,
    refusal,
    replacement,
    wanted,
)

_COLLECTIONS: Final = {
    "service": "services",
    "route": "routes",
    "plugin": "plugins",
    "upstream": "upstreams",
    "consumer": "consumers",
    "consumer_group": "consumer_groups",
}
_HANDLES: Final = {
    "service": "name",
    "route": "name",
    "upstream": "name",
    "target": "target",
    "plugin": "instance_name",
}


class Writer:
    """Writes one product's steps through the Admin API, or by replacement where Konnect knows no PATCH."""

    def __init__(self, client: Client, schemas: Schemas, recorded: Product, live: Product | None) -> None:
        self._client = client
        self._schemas = schemas
        self._ids = native_ids(recorded, live)

    async def carry_out(self, step: Step) -> None:
        match step:
            case Step(action=Action.CREATE, target=Entity() as target):
                await self._create(target)
            case Step(action=Action.UPDATE, live=Entity() as live) if wanted(step):
                await self._update(step, live)
            case Step(action=Action.DELETE, live=Entity() as live):
                await self._client.delete(*self._path(live.kind, live.native_id))

    async def _create(self, target: Entity) -> None:
        """What is there all the same was moved, not deleted; then only what differs is set, if it is still ours."""
        body = await self._with_ids(creation(target), REFERENCES.get(target.kind, ()))
        if target.kind == "route":
            body["service"] = {"id": self._ids["service", THIS]}
        there = await self._find(target)
        if there:
            await self._adopt(target, body, there)
        else:
            await self._add(target, body)
        native = str(there["id"]) if there else target.native_id
        self._ids.update(
            {place: native for place in ((target.kind, target.key), (target.kind, THIS)) if place in self._ids}
        )

    async def _find(self, target: Entity) -> Row | None:
        """By its recorded id, else by its name. Konnect addresses by id alone, so there the list is searched."""
        path = self._path(target.kind, target.native_id)
        handle = _HANDLES[target.kind]
        name = target.fields.get(handle)
        found = await self._client.find(*path)
        if found or not isinstance(name, str):
            return found
        if self._client.is_konnect:
            return next((row for row in await self._client.rows(*path[:-1]) if row.get(handle) == name), None)
        return await self._client.find(*path[:-1], name)

    async def _add(self, target: Entity, body: Row) -> None:
        """Under the recorded id, so that whatever else refers to it fits again.

        The Admin API's PUT of a target only updates, whatever its description says (Kong/kong issue 12987).
        """
        path = self._path(target.kind, target.native_id)
        if target.kind == "target" and not self._client.is_konnect:
            await self._client.post(path[:-1], {**body, "id": target.native_id})
        else:
            await self._client.put(path, body)

    async def _adopt(self, target: Entity, body: Row, there: Row) -> None:
        ours = {name: reference(body, name) for name in PARENTS.get(target.kind, ())}
        owner = new_owner(target.kind, there, ours)
        if owner:
            raise refusal(target.kind, target.key, await self._in_words(*owner))
        await self._learn(target)
        names = {native: key for (_, key), native in self._ids.items()}
        found = self._schemas.canon().entity(target.kind, target.key, there, names)
        changed = differences(target, found)
        joined = {"service": body["service"]} if target.kind == "route" and not reference(there, "service") else {}
        if changed or joined:
            await self._update(Step(Action.UPDATE, target.kind, target.key, target, found, changed), found, joined)

    async def _in_words(self, kind: str, native_id: str) -> str:
        if not kind:
            return ""
        row = await self._client.find(_COLLECTIONS[kind], native_id)
        return f"{kind} {(row or {}).get('name') or native_id}"

    async def _update(self, step: Step, live: Entity, joined: Row | None = None) -> None:
        """`joined` are references that the object has lost, as they are sent."""
        path = self._path(live.kind, live.native_id)
        schema = await self._schema(step, live)
        fresh = await self._client.get(*path) if self._client.is_konnect or "/tags" in step.changed else {}
        body = replacement(step, fresh, schema) if self._client.is_konnect else patch(step, schema)
        if "tags" in body:
            body["tags"] = keeping_our_tag(body["tags"], fresh.get("tags"))
        body = await self._with_ids(body, changed_references(step)) | (joined or {})
        await (self._client.put(path, body) if self._client.is_konnect else self._client.patch(path, body))

    async def _schema(self, step: Step, live: Entity) -> Schema:
        """Only a change deep inside needs to know what is a map, and a replacement what is a twin."""
        depth = 2 if live.kind == "plugin" else 1
        if not self._client.is_konnect and all(pointer.count("/") <= depth for pointer in step.changed):
            return UNKNOWN
        await self._learn(live)
        return self._schemas.schema(live.kind, {"name": live.fields.get("name")})

    async def _learn(self, entity: Entity) -> None:
        is_plugin = entity.kind == "plugin"
        kinds, plugins = ((), (str(entity.fields.get("name")),)) if is_plugin else ((entity.kind,), ())
        for fault in (await self._schemas.learn(kinds, plugins)).values():
            raise fault

    def _path(self, kind: str, native_id: str) -> tuple[str, ...]:
        if kind == "target":
            return ("upstreams", self._ids["upstream", THIS], "targets", native_id)
        return (_COLLECTIONS[kind], native_id)

    async def _with_ids(self, body: Row, references: Iterable[str]) -> Row:
        """The body with ids in place of keys."""
        told = dict(body)
        for name in references:
            if isinstance(told.get(name), str):
                told[name] = {"id": await self._id_of(name, told[name])}
        return told

    async def _id_of(self, kind: str, key: str) -> str:
        """Of the product's own, or of a consumer; a key that nobody has is taken for an id, which Kong will judge."""
        if (kind, key) not in self._ids and kind in ("consumer", "consumer_group"):
            self._ids[kind, key] = await self._outsider(_COLLECTIONS[kind], key)
        return self._ids.get((kind, key), key)

    async def _outsider(self, collection: str, key: str) -> str:
        """A consumer by user name or custom id. Konnect addresses by id alone, so there the list is searched."""
        rows: Sequence[Row]
        if self._client.is_konnect:
            rows = [row for row in await self._client.rows(collection) if consumer_key(row) == key]
        else:
            found = await self._client.find(collection, key)
            rows = [found] if found else await self._client.search(collection, custom_id=key)
        return str(rows[0]["id"]) if rows else key
