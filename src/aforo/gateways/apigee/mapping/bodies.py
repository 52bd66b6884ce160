"""Our values → what is sent to Apigee: changes laid over what stands there now, so that all else survives. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from aforo.gateway_sdk.contract import Action, Entity, Product, Step
from aforo.gateway_sdk.errors import GatewayChanged
from aforo.gateways.apigee.mapping.canonical import NUMBERS, VOLATILE, entity_fields
from aforo.gateways.apigee.mapping.operations import CONFIGS, GROUPS, Config, configs, group_of
from aforo.gateways.apigee.mapping.trees import Row, copied, places
from aforo.kit.jsontree import ABSENT, Absent, Json, at, put, same

Changes = Mapping[str, Json | Absent]


def overlaid(kind: str, fresh: Row, changed: Changes, group: str = "") -> Row:
    """The row as it is now, with only these members set; a member of ABSENT is left out, which clears it."""
    then = dict(entity_fields(kind, fresh, group).fields)
    for pointer, value in changed.items():
        put(then, pointer, value)
    told = native(kind, then)
    body = {name: copied(value) for name, value in fresh.items() if name not in VOLATILE}
    for name in sorted({pointer.split("/")[1].replace("~1", "/").replace("~0", "~") for pointer in changed}):
        value = _member(name, kind, fresh, told, changed)
        if value in (None, "", [], {}):
            body.pop(name, None)
        else:
            body[name] = value
    return body


def unmet(kind: str, row: Row, changed: Changes, group: str = "") -> list[str]:
    """Pointers at which an answer does not show what was to be set; a default that the server filled in is no fault."""
    draft = entity_fields(kind, row, group)
    return [
        pointer
        for pointer, value in changed.items()
        if not same(at(draft.fields, pointer), value)
        and not (isinstance(value, Absent) and same(at(draft.fields, pointer), at(draft.defaults, pointer)))
    ]


def new_rate_plan(target: Entity, product: str) -> Row:
    """The body for a plan that is gone. It is published again only if it was recorded so."""
    body = native("rateplan", dict(target.fields))
    return {**body, "apiproduct": product, "state": body.get("state", "DRAFT")}


class Document:
    """An API product's JSON with its operations, on its way from what it is to what it is to be."""

    def __init__(self, name: str, fresh: Row | None, recorded: Product) -> None:
        self.was = fresh
        self.body: Row = copied(fresh) if fresh else _whole(name, recorded)
        for member in VOLATILE:
            self.body.pop(member, None)

    @property
    def has_changed(self) -> bool:
        return self.was is None or self.body != {name: self.was[name] for name in self.was if name not in VOLATILE}

    def take(self, step: Step) -> None:
        """Lay one step over it. A step whose effect is there already changes nothing.

        Raises GatewayChanged when the operation that is to be changed is no longer there.
        """
        if self.was is None:
            return  # made whole from the record
        if step.kind == "product":
            if step.action is Action.UPDATE:
                self.body = overlaid("product", self.body, step.changed)
        elif step.action is Action.CREATE and step.target:
            self._add(step.target)
        elif step.action is Action.UPDATE and step.live and step.target:
            self._change(step, step.live, step.target)
        elif step.action is Action.DELETE and step.live:
            self._remove(step.live)

    def _add(self, target: Entity) -> None:
        if self._find(target) is None:
            group = self.body.setdefault(group_of(target.native_id), {})
            group.setdefault(CONFIGS, []).append(native("operation", dict(target.fields)))

    def _change(self, step: Step, live: Entity, target: Entity) -> None:
        config = self._find(live) or self._find(target)
        if config is None:
            raise GatewayChanged(
                f"The operation {step.key} has changed at Apigee since it was read. Nothing was written.",
                status=412,
                next_step="Look at the difference again, then restore.",
            )
        rows: list[Row] = self.body[config.group][CONFIGS]
        rows[config.index] = overlaid("operation", config.row, step.changed, config.group)

    def _remove(self, live: Entity) -> None:
        config = self._find(live)
        if config is not None:
            del self.body[config.group][CONFIGS][config.index]

    def _find(self, entity: Entity) -> Config | None:
        return next((one for one in configs(self.body) if one.native_id == entity.native_id), None)

    def unmet(self, answer: Row, steps: list[Step]) -> list[str]:
        """What the answer to the write does not show, as paths."""
        missing = []
        there = {one.native_id: one for one in configs(answer)}
        for step in steps:
            if step.kind == "product":
                missing += [f"/product/{step.key}{one}" for one in unmet("product", answer, step.changed)]
            elif step.action is Action.DELETE and step.live:
                missing += [f"/operation/{step.key}"] if step.live.native_id in there else []
            else:
                missing += _unmet_operation(step, there)
        return missing


def _unmet_operation(step: Step, there: Mapping[str, Config]) -> list[str]:
    known = [there[one.native_id] for one in (step.target, step.live) if one and one.native_id in there]
    if not known:
        return [f"/operation/{step.key}"]
    left = unmet("operation", known[0].row, step.changed, known[0].group)
    return [f"/operation/{step.key}{pointer}" for pointer in left]


def _whole(name: str, recorded: Product) -> Row:
    """All at once: a product without its operations would, for a moment, open every proxy."""
    body: Row = {"name": name}
    for entity in recorded.entities:
        if entity.kind == "product":
            body |= native("product", dict(entity.fields))
    for entity in recorded.entities:
        if entity.kind == "operation":
            group = body.setdefault(group_of(entity.native_id), {})
            group.setdefault(CONFIGS, []).append(native("operation", dict(entity.fields)))
    return body


def _member(name: str, kind: str, fresh: Row, told: Row, changed: Changes) -> Any:
    if name == "attributes":
        return _attributes(fresh.get(name) or [], changed)
    if kind == "product" and name in GROUPS:
        kept = (fresh.get(name) or {}).get(CONFIGS)
        return {**(told.get(name) or {}), **({CONFIGS: copied(kept)} if kept else {})}
    return told.get(name)


_ATTRIBUTE: Final = "/attributes/"


def _attributes(now: list[Row], changed: Changes) -> list[Row]:
    """The list as it is, with only the named ones set or removed: others' and our own marks stay as they are."""
    left = {
        pointer.removeprefix(_ATTRIBUTE).replace("~1", "/").replace("~0", "~"): value
        for pointer, value in changed.items()
        if pointer.startswith(_ATTRIBUTE)
    }
    kept = [copied(one) if one.get("name") not in left else None for one in now]
    rows: list[Row] = []
    for one, old in zip(kept, now, strict=True):
        if one is not None:
            rows.append(one)
        elif not isinstance(value := left.pop(old["name"], ABSENT), Absent):
            rows.append({**old, "value": value})
    return rows + [{"name": name, "value": value} for name, value in left.items() if not isinstance(value, Absent)]


def native(kind: str, fields: Row) -> Row:
    """Canonical fields as Apigee writes them: lists of attributes and operations, and strings of digits."""
    body: Row = copied(fields)
    if isinstance(body.get("attributes"), dict):
        body["attributes"] = [{"name": name, "value": value} for name, value in body["attributes"].items()]
    for name in ("operations", "llmOperations"):
        if kind == "operation" and isinstance(body.get(name), dict):
            body[name] = list(body[name].values())
    for path in NUMBERS[kind]:
        for holder, name in places(body, path):
            if type(holder[name]) is int:
                holder[name] = str(holder[name])
    return body
