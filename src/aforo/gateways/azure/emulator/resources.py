"""One API Management service: its resources, read and written as the vendor's description has it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from aforo.gateways.azure.emulator import members, policy_text, rules
from aforo.gateways.azure.emulator.kinds import KINDS, Kind
from aforo.gateways.azure.emulator.operations import Operations, remove
from aforo.gateways.azure.emulator.store import Path, Store
from aforo.gateways.azure.emulator.wire import Answer, ArmError, Call, Record, invalid, missing

_TYPE: Final = "Microsoft.ApiManagement/service"
_PATHS: Final = ("scope", "ownerId")
_GUARDED: Final = frozenset({"PATCH", "DELETE"})


class Resources:
    """Answers calls below the service. `base` is the service's own id."""

    def __init__(self, store: Store, operations: Operations, base: str, page_size: int) -> None:
        self.store = store
        self.operations = operations
        self.base = base
        self.page_size = page_size

    def answer(self, call: Call, path: Path) -> Answer:
        """GET of a collection, or any method of one resource."""
        kind = KINDS.get(path[::2])
        if kind is None:
            raise missing(f"The resource type {'/'.join(path[::2])} is not emulated; it was")
        self._check_parents(path)
        if len(path) % 2:
            return self._list(call, path)
        if kind.link:
            return self._link(call, path, kind)
        return self._one(call, path, kind)

    def body(self, record: Record, *, path: Path | None = None) -> Record:
        """A resource in Resource Manager's envelope."""
        place = path or tuple(record["path"])
        return {
            "id": f"{self.base}/{'/'.join(place)}",
            "type": "/".join((_TYPE, *place[::2])),
            "name": place[-1],
            "properties": record["properties"],
        }

    def page(self, call: Call, rows: Sequence[Record], *, filtered: bool = False) -> Answer:
        """A page of `value`, with the number of all rows and an address for the next one. `filtered`: by the caller."""
        if "$filter" in call.query and not filtered:
            raise invalid("$filter", "is not emulated.")
        skip, top = _number(call, "$skip", 0), _number(call, "$top", self.page_size)
        size = min(top, self.page_size)
        told: Record = {"value": list(rows[skip : skip + size]), "count": len(rows)}
        if skip + size < len(rows) and size:
            query = {**call.query, "$top": str(size), "$skip": str(skip + size)}
            written = "&".join(f"{quote(name)}={quote(value)}" for name, value in query.items())
            told["nextLink"] = f"{call.origin}{quote(call.path)}?{written}"
        return Answer(200, told)

    def _check_parents(self, path: Path) -> None:
        for end in range(2, len(path), 2):
            if self.store.find(path[:end]) is None:
                raise missing(_word(path[:end]))

    def _list(self, call: Call, path: Path) -> Answer:
        if call.method != "GET":
            raise ArmError(405, "MethodNotAllowed", "A collection can only be read.")
        rows = self.store.children(path[:-1], path[-1])
        kind = KINDS[path[::2]]
        found = [self._linked(tuple(row["path"]), kind) if kind.link else self.shown(row, call) for row in rows]
        return self.page(call, [row for row in found if row])

    def _one(self, call: Call, path: Path, kind: Kind) -> Answer:
        if call.method == "PUT":
            return self._put(call, path, kind)
        self.operations.touch(path)
        record = self.store.find(path)
        if call.method == "DELETE" and record is None and call.if_match:
            return Answer(204)
        if record is None:
            raise missing(_word(path))
        etag = {"etag": record["etag"]}
        if call.method == "HEAD":
            return Answer(200, None, etag)
        if call.method == "GET":
            return Answer(200, self.shown(record, call), etag)
        self._check_guard(call, record)
        if call.method == "DELETE":
            return self._delete(call, path, kind)
        if call.method == "PATCH" and kind.patchable:
            return self._patch(call, path, kind, record)
        raise ArmError(405, "MethodNotAllowed", f"{call.method} is not allowed here.")

    def _put(self, call: Call, path: Path, kind: Kind) -> Answer:
        """Replaces the whole: what is not said goes back to its default. If-Match is optional."""
        before = self.store.find(path)
        if call.if_match is not None:
            self._check_guard(call, before)
        told = {name: value for name, value in _checked(call).items() if value is not None}
        _check_whole(kind, told)
        properties, hidden = rules.settled(self.store, path, {**kind.defaults, **told}, before)
        return self._written(call, path, kind, properties, hidden, status=200 if before else 201)

    def _patch(self, call: Call, path: Path, kind: Kind, record: Record) -> Answer:
        changes = _checked(call)
        merged = {**record["properties"], **changes}
        wanted = {name: value for name, value in merged.items() if value is not None}
        _check_whole(kind, wanted)
        properties, hidden = rules.settled(self.store, path, wanted, record)
        return self._written(call, path, kind, properties, hidden, status=200)

    def _written(
        self, call: Call, path: Path, kind: Kind, properties: Record, hidden: Record, *, status: int
    ) -> Answer:
        if call.method not in kind.long:
            record = self.store.put(path, properties, hidden)
            return Answer(status, self.shown(record, call), {"etag": record["etag"]})
        operation = self.operations.begin(call.method, path, properties, hidden)
        begun = self.store.find(path)
        if begun is None:  # it failed at once, and there was nothing before
            raise ArmError(400, "ValidationError", "The operation was made to fail.")
        headers = {**self.operations.headers(operation, call), "etag": begun["etag"]}
        if call.method == "PATCH":
            return Answer(202, None, headers)
        return Answer(status, self.shown(begun, call), headers)

    def _delete(self, call: Call, path: Path, kind: Kind) -> Answer:
        if path[::2] == ("users",) and call.query.get("deleteSubscriptions", "").lower() == "true":
            rules.drop_subscriptions(self.store, path[-1])
        rules.check_deletable(self.store, path)
        if path[::2] == ("products",):
            self._check_subscriptions(call, path)
        if "DELETE" in kind.long:
            return Answer(202, None, self.operations.headers(self.operations.begin("DELETE", path, {}, {}), call))
        remove(self.store, path)
        return Answer(200)

    def _check_subscriptions(self, call: Call, path: Path) -> None:
        """A product with subscriptions goes only together with them."""
        scope = f"/products/{path[-1]}".lower()
        mine = [one for one in self.store.every("subscriptions") if one["properties"]["scope"].lower().endswith(scope)]
        if mine and call.query.get("deleteSubscriptions", "").lower() != "true":
            raise invalid("productId", "The product has subscriptions; delete them, or pass deleteSubscriptions=true.")
        for one in mine:
            self.store.delete(tuple(one["path"]))

    def _link(self, call: Call, path: Path, kind: Kind) -> Answer:
        target = self.store.find((kind.link, path[-1]))
        if target is None and call.method != "DELETE":
            raise missing(_word((kind.link, path[-1])))
        record = self.store.find(path)
        if call.method == "PUT":
            made = record or self.store.put(path, {})
            return Answer(200 if record else 201, self._linked(path, kind), _told_etag(made, kind))
        if call.method == "DELETE":
            self.store.delete(path)
            return Answer(200 if record else 204)
        if record is None:
            raise missing(_word(path))
        if kind.link == "apis":
            return Answer(204)
        return Answer(200, self._linked(path, kind), _told_etag(record, kind))

    def _linked(self, path: Path, kind: Kind) -> Record | None:
        target = self.store.find((kind.link, path[-1]))
        return self.body(target, path=(*path[:-1], target["path"][-1])) if target else None

    def _check_guard(self, call: Call, record: Record | None) -> None:
        if call.if_match is None:
            if call.method in _GUARDED:
                words = "If-Match header must be specified for the operation."
                raise ArmError(400, "InvalidRequestContent", words)
            return
        if record is None or call.if_match not in ("*", record["etag"]):
            words = "Operation cannot be performed since the resource was modified: the ETag does not match."
            raise ArmError(412, "PreconditionFailed", words)

    def shown(self, record: Record, call: Call) -> Record:
        """As a caller may see it: a policy in the format that was asked for, and nothing that is hidden."""
        told = self.body(record)
        hidden = KINDS[tuple(record["path"][::2])].hidden
        properties: Mapping[str, Any] = {key: value for key, value in record["properties"].items() if key not in hidden}
        if record["path"][::2][-1] == "policies":
            style = call.query.get("format") or ("rawxml" if call.method == "PUT" else "xml")
            text = policy_text.write(policy_text.parse(record["properties"]["value"], raw=True), raw=style == "rawxml")
            properties = {"format": style, "value": text}
        if record["path"][0] == "subscriptions":
            properties = {
                **properties,
                **{name: self._full(properties.get(name)) for name in _PATHS if name in properties},
            }
        return {**told, "properties": properties}

    def _full(self, path: Any) -> Any:
        """The service tells paths in full, however short they were given."""
        told = str(path or "")
        return told if not told or told.startswith("/subscriptions/") else f"{self.base}{told}"


def _checked(call: Call) -> Record:
    properties = call.properties()
    members.check(properties)
    return properties


def _check_whole(kind: Kind, properties: Record) -> None:
    for name in kind.required:
        if name not in properties:
            raise invalid(name, "is required")


def _told_etag(record: Record, kind: Kind) -> dict[str, str]:
    """The description has one for tags, although no method asks for it."""
    return {"etag": record["etag"]} if kind.link == "tags" else {}


def _word(path: Path) -> str:
    return {"apis": "API", "products": "Product", "policies": "Policy", "tags": "Tag"}.get(path[-2], path[-2])


def _number(call: Call, name: str, default: int) -> int:
    text = call.query.get(name, str(default))
    if not text.isdigit():
        raise invalid(name, "must be a number that is not negative.")
    return int(text)
