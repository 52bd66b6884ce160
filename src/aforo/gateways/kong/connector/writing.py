"""Carries out the steps of a restore: one call for each, with what differs and nothing else."""

from collections.abc import Iterable, Sequence
from typing import Final

from aforo.gateway_sdk.contract import Action, Entity, Product, Step
from aforo.gateway_sdk.errors import GatewayNotFound
from aforo.gateways.kong.client import Client
from aforo.gateways.kong.connector.schemas import Schemas
from aforo.gateways.kong.mapping import (
    REFERENCES,
    THIS,
    UNKNOWN,
    Row,
    Schema,
    changed_references,
    consumer_key,
    creation,
    native_ids,
    patch,
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
        """PUT under the recorded id, so that whatever else refers to it fits again."""
        body = await self._with_ids(creation(target), REFERENCES.get(target.kind, ()))
        if target.kind == "route":
            body["service"] = {"id": self._ids["service", THIS]}
        path = self._path(target.kind, target.native_id)
        try:
            await self._client.put(path, body)
        except GatewayNotFound:
            if target.kind != "target":
                raise
            await self._client.post(path[:-1], {**body, "id": target.native_id})  # some versions only update by PUT
        self._ids[target.kind, target.key] = target.native_id

    async def _update(self, step: Step, live: Entity) -> None:
        path = self._path(live.kind, live.native_id)
        schema = await self._schema(step, live)
        if self._client.is_konnect:
            body = replacement(step, await self._client.get(*path), schema)
            await self._client.put(path, await self._with_ids(body, changed_references(step)))
        else:
            await self._client.patch(path, await self._with_ids(patch(step, schema), changed_references(step)))

    async def _schema(self, step: Step, live: Entity) -> Schema:
        """Only a change deep inside needs to know what is a map, and a replacement what is a twin."""
        is_plugin = live.kind == "plugin"
        if not self._client.is_konnect and all(pointer.count("/") <= 1 + is_plugin for pointer in step.changed):
            return UNKNOWN
        row: Row = {"name": live.fields.get("name")}
        faults = await self._schemas.learn(() if is_plugin else (live.kind,), (str(row["name"]),) if is_plugin else ())
        for fault in faults.values():
            raise fault
        return self._schemas.schema(live.kind, row)

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
