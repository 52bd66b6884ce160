"""Neither reading nor writing one resource: secrets, keys, exports, references, and lists across collections."""

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import yaml

from aforo.gateways.azure.emulator import openapi, rules
from aforo.gateways.azure.emulator.resources import Resources
from aforo.gateways.azure.emulator.store import Path
from aforo.gateways.azure.emulator.wire import Answer, ArmError, Call, Record, invalid, missing
from aforo.kit.clock import Clock

_LINK_SECONDS: Final = 300
_XML: Final = {"content-type": "application/xml"}
_BLOB_REFUSED: Final = (
    '<?xml version="1.0" encoding="utf-8"?><Error><Code>AuthenticationFailed</Code>'
    "<Message>Server failed to authenticate the request: signature not valid in this time frame.</Message></Error>"
)


@dataclass(slots=True)
class _Export:
    text: str
    ends_at: float


class Actions:
    """Answers calls that `Resources` does not know."""

    def __init__(self, resources: Resources, clock: Clock, gateway_url: str) -> None:
        self._resources = resources
        self._store = resources.store
        self._clock = clock
        self._gateway_url = gateway_url
        self._exports: dict[str, _Export] = {}

    def post(self, call: Call, path: Path) -> Answer:
        """An action on one resource."""
        act = _ACTIONS.get((path[0], path[-1].lower())) if len(path) == 3 else None
        if act is None:
            raise ArmError(405, "MethodNotAllowed", "There is no such action.")
        record = self._store.find(path[:-1])
        if record is None:
            raise missing(path[0])
        return act(self, call, record)

    def view(self, call: Call, path: Path) -> Answer | None:
        """A list that belongs to no collection of its own; None where the path names none."""
        if path == ("productsByTags",):
            return self._resources.page(call, self._tagged())
        if path[::2] == ("products", "subscriptions") and len(path) == 3:
            if self._store.find(path[:2]) is None:
                raise missing("Product")
            scope = f"/products/{path[1]}".lower()
            mine = [
                one for one in self._store.every("subscriptions") if one["properties"]["scope"].lower().endswith(scope)
            ]
            return self._resources.page(call, [self._resources.shown(record, call) for record in mine])
        if path[::2] == ("apis", "products") and len(path) == 3:
            links = [link for link in self._store.every("products", "apis") if link["path"][-1] == path[1]]
            found = [self._store.find(tuple(link["path"][:2])) for link in links]
            return self._resources.page(call, [self._resources.body(record) for record in found if record])
        return None

    def export(self, call: Call, path: Path) -> Answer:
        """A link to the API's description, good for five minutes and for whoever has it."""
        api = self._store.find(path)
        if api is None:
            raise missing("API")
        style = call.query.get("format", "")
        write = _EXPORTS.get(style)
        if write is None:
            raise invalid("format", f"The format '{style}' is not emulated; openapi+json-link is.")
        document = openapi.written(api, self._store.children(path, "operations"), self._gateway_url)
        name = secrets.token_hex(16)
        self._exports[name] = _Export(write(document), self._clock.monotonic() + _LINK_SECONDS)
        link = f"{call.origin}/api-export/{name}?sv=2023-11-03&sr=b&sig={secrets.token_urlsafe(24)}"
        return Answer(200, {"id": self._resources.body(api)["id"], "format": style, "value": {"link": link}})

    def blob(self, call: Call, name: str) -> Answer:
        """The storage behind the link: it takes no bearer token, and nothing after five minutes."""
        found = self._exports.get(name)
        if found is None or found.ends_at <= self._clock.monotonic() or "authorization" in call.headers:
            return Answer(403, _BLOB_REFUSED, _XML)
        return Answer(200, found.text, {"content-type": "application/octet-stream"})

    def _tagged(self) -> list[Record]:
        rows = []
        for link in self._store.every("products", "tags"):
            product, tag = self._store.find(tuple(link["path"][:2])), self._store.find(tuple(link["path"][2:]))
            if product and tag:
                told = product["properties"]
                about = {"id": f"/products/{product['path'][1]}", "name": told["displayName"], "state": told["state"]}
                word = {"id": f"/tags/{tag['path'][1]}", "name": tag["properties"]["displayName"]}
                rows.append({"tag": word, "product": about})
        return sorted(rows, key=lambda row: (row["tag"]["name"], row["product"]["id"]))

    def list_secrets(self, call: Call, record: Record) -> Answer:
        del call
        keys = {name: record["hidden"][name] for name in ("primaryKey", "secondaryKey")}
        return Answer(200, keys, {"etag": record["etag"]})

    def regenerate(self, call: Call, record: Record) -> Answer:
        name = "primaryKey" if call.path.lower().endswith("primarykey") else "secondaryKey"
        self._store.put(tuple(record["path"]), record["properties"], {name: rules.new_key()})
        return Answer(204)

    def list_value(self, call: Call, record: Record) -> Answer:
        del call
        return Answer(200, {"value": record["hidden"]["value"]}, {"etag": record["etag"]})

    def list_references(self, call: Call, record: Record) -> Answer:
        bodies = [self._resources.body(policy) for policy in rules.references(self._store, record["path"][-1])]
        return self._resources.page(call, [{name: body[name] for name in ("id", "type", "name")} for body in bodies])


_EXPORTS: Final[Mapping[str, Callable[[Record], str]]] = {
    "openapi+json-link": json.dumps,
    "openapi-link": lambda document: str(yaml.safe_dump(document)),
}
_ACTIONS: Final[Mapping[tuple[str, str], Callable[[Actions, Call, Record], Answer]]] = {
    ("subscriptions", "listsecrets"): Actions.list_secrets,
    ("subscriptions", "regenerateprimarykey"): Actions.regenerate,
    ("subscriptions", "regeneratesecondarykey"): Actions.regenerate,
    ("namedValues", "listvalue"): Actions.list_value,
    ("policyFragments", "listreferences"): Actions.list_references,
}
