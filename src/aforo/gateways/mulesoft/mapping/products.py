"""API instances with what belongs to them → products."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aforo.gateway_sdk.contract import SPEC_KIND, Entity, Product
from aforo.gateways.mulesoft.mapping.marks import is_policy_of_ours, plan_of
from aforo.gateways.mulesoft.mapping.rules import API, DEFAULTS, POLICY, TIER, UPSTREAM, Names, Rule, canonical_form
from aforo.gateways.mulesoft.mapping.secrets import masked_in, secrets_in
from aforo.kit.jsontree import Json, JsonObject, canonical

Row = Mapping[str, Any]

MARK: Final = "aforo"
"""The tag on an instance that Aforo itself has made."""

SPEC_KEY: Final = "openapi"


@dataclass(frozen=True, slots=True)
class Seen:
    """All that was read of one instance. `description` is the API description's fields, None where there is none."""

    api: Row
    tiers: Sequence[Row]
    policies: Sequence[Row]
    upstreams: Sequence[Row]
    description: JsonObject | None


def product(seen: Seen, ref: str, rules: Sequence[Rule] | None = None) -> Product:
    """The product of one instance; `ref` is what `refs` gave it. Tiers and policies of Aforo's are no part of it."""
    native = api_id(seen.api)
    return Product(ref, native, _title(seen.api), version(seen), tuple(_entities(seen, native, rules)))


def _entities(seen: Seen, native: str, rules: Sequence[Rule] | None) -> Iterable[Entity]:
    upstreams = distinct(seen.upstreams, upstream_key)
    if seen.description is not None:
        yield Entity(SPEC_KIND, SPEC_KEY, f"{native}#spec", seen.description)
    yield _entity(API, asset_key(seen.api), native, seen.api, upstreams, rules)
    yield from _children(TIER, [row for row in seen.tiers if plan_of(row) is None], tier_key, {}, rules)
    yield from _children(POLICY, [row for row in seen.policies if not is_policy_of_ours(row)], policy_key, {}, rules)
    yield from _children(UPSTREAM, seen.upstreams, upstream_key, {}, rules)


def _children(
    kind: str, rows: Sequence[Row], key_of: Callable[[Row], str], names: Names, rules: Sequence[Rule] | None
) -> Iterable[Entity]:
    keys = distinct(rows, key_of)
    found = [_entity(kind, keys[row_id(row)], row_id(row), row, names, rules) for row in rows]
    return sorted(found, key=lambda entity: entity.key)


def _entity(kind: str, key: str, native: str, row: Row, names: Names, rules: Sequence[Rule] | None) -> Entity:
    fields: dict[str, Json] = canonical_form(kind, row, names, rules)
    masked = masked_in(fields) if kind == POLICY else frozenset[str]()
    return Entity(
        kind=kind,
        key=key,
        native_id=native,
        fields=fields,
        defaults=DEFAULTS[kind],
        secrets=secrets_in(fields) - masked if kind == POLICY else frozenset(),
        masked=masked,
        owned=kind == API and MARK in (row.get("tags") or ()),
    )


def version(seen: Seen) -> str | None:
    """The API description's own, else the product version ("v1"), else the asset's."""
    info = (seen.description or {}).get("info")
    told = info.get("version") if isinstance(info, Mapping) else None
    return str(told or seen.api.get("productVersion") or seen.api.get("assetVersion") or "") or None


def refs(rows: Sequence[Row]) -> dict[str, str]:
    """Native id → ref: asset and label, `orders-api:gold`. Of several alike the oldest keeps the short one.

    The others get their product version, else their id. Only instances of one asset can be alike.
    """
    given: dict[str, str] = {}
    taken: set[str] = set()
    for row in sorted(rows, key=lambda row: _age(api_id(row))):
        short = base_ref(row)
        wishes = (short, f"{short} {row.get('productVersion')}", f"{short} #{api_id(row)}")
        ref = next(wish for wish in wishes if wish not in taken)
        taken.add(ref)
        given[api_id(row)] = ref
    return given


def base_ref(row: Row) -> str:
    label = str(row.get("instanceLabel") or "").strip()
    return f"{asset_key(row)}:{label}" if label else asset_key(row)


def asset_key(row: Row) -> str:
    """The asset's id; an instance from before Exchange has only a name."""
    return str(row.get("assetId") or row.get("assetName") or row.get("autodiscoveryInstanceName") or api_id(row))


def api_id(row: Row) -> str:
    """`environmentApiId`: lists call it id, and so do answers about one instance; older ones say apiId."""
    return str(row.get("id") if row.get("id") is not None else row.get("apiId", ""))


def row_id(row: Row) -> str:
    return str(row.get("id") if row.get("id") is not None else row.get("policyId", ""))


def tier_key(row: Row) -> str:
    return str(row.get("name") or row_id(row))


def policy_key(row: Row) -> str:
    """The policy's asset, such as `rate-limiting`; a policy from before Exchange has only its template's number."""
    told = row.get("assetId") or (row.get("template") or {}).get("assetId")
    return str(told or f"template {row.get('policyTemplateId')}")


def upstream_key(row: Row) -> str:
    return str(row.get("label") or row.get("uri") or row_id(row))


def distinct(rows: Iterable[Row], key_of: Callable[[Row], str]) -> dict[str, str]:
    """Native id → key. Rows with the same key get ` #2`, ` #3` in the order of their content, ids and times aside."""
    alike: dict[str, list[Row]] = {}
    for row in rows:
        alike.setdefault(key_of(row), []).append(row)
    found: dict[str, str] = {}
    for key, same in alike.items():
        ordered = sorted(same, key=_content) if len(same) > 1 else same
        found.update((row_id(row), f"{key} #{place + 1}" if place else key) for place, row in enumerate(ordered))
    return found


def flat(assets: Sequence[Row]) -> list[dict[str, Any]]:
    """The instances out of a list that is grouped by asset, each with its asset's coordinates and name."""
    return [{**_of_asset(asset), **_told(api)} for asset in assets for api in asset.get("apis") or ()]


def _of_asset(asset: Row) -> dict[str, Any]:
    name = asset.get("exchangeAssetName") or asset.get("name")
    return {"groupId": asset.get("groupId"), "assetId": asset.get("assetId"), "assetName": name}


def _told(api: Row) -> dict[str, Any]:
    """Without nulls for what the asset tells."""
    return {name: value for name, value in api.items() if value is not None or name not in ("groupId", "assetId")}


def _title(row: Row) -> str:
    name = str(row.get("assetName") or asset_key(row))
    return f"{name} ({row['instanceLabel']})" if row.get("instanceLabel") else name


def _age(native: str) -> tuple[int, str]:
    return (int(native), "") if native.isdecimal() else (2**63, native)


def _content(row: Row) -> str:
    return canonical({name: value for name, value in row.items() if name not in ("id", "policyId", "audit", "order")})
