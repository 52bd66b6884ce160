"""Products, changes and previews as JSON text for storage; not the shapes of the API."""

import json
from typing import Any

from aforo.catalog.model import Change, ChangeKind, Difference, Impact, Preview, Row, Skipped, Status
from aforo.catalog.rules.preview import keyed
from aforo.gateway_sdk.contract import Entity, Problem, Product
from aforo.kit.jsontree import ABSENT, Absent, Json


def product_out(product: Product) -> bytes:
    return _dump(
        {
            "ref": product.ref,
            "nativeId": product.native_id,
            "name": product.name,
            "version": product.version,
            "entities": [
                [
                    *(e.kind, e.key, e.native_id, e.fields, e.defaults),
                    *(sorted(e.secrets), sorted(e.masked), e.owned, dict(e.references)),
                ]
                for e in product.entities
            ],
        }
    )


def product_in(text: bytes) -> Product:
    kept = json.loads(text)
    entities = tuple(
        Entity(kind, key, native_id, fields, defaults, frozenset(secrets), frozenset(masked), owned, references)
        for kind, key, native_id, fields, defaults, secrets, masked, owned, references in kept["entities"]
    )
    return Product(kept["ref"], kept["nativeId"], kept["name"], kept["version"], entities)


def changes_out(changes: tuple[Change, ...]) -> bytes:
    return _dump([_change_out(change) for change in changes])


def changes_in(text: bytes) -> tuple[Change, ...]:
    return tuple(_change_in(kept) for kept in json.loads(text))


def preview_out(preview: Preview) -> bytes:
    return _dump(
        {
            "rows": [_row_out(row) for row in preview.rows],
            "problems": [[problem.what, problem.why, problem.code] for problem in preview.problems],
            "notes": preview.notes,
            "unread": preview.unread,
            "hash": preview.hash,
        }
    )


def preview_in(text: bytes) -> Preview:
    kept = json.loads(text)
    return Preview(
        keyed([_row_in(row) for row in kept["rows"]]),
        tuple(Problem(*problem) for problem in kept["problems"]),
        tuple(kept["notes"]),
        tuple(kept["unread"]),
        kept["hash"],
    )


def _row_out(row: Row) -> list[Any]:
    impact = row.impact
    return [
        row.ref,
        row.native_id,
        row.name,
        row.version,
        row.status.value,
        row.reason,
        [_change_out(change) for change in row.difference.changes],
        [[skipped.path, skipped.why] for skipped in row.difference.skipped],
        row.product_id,
        row.record_version,
        row.observed,
        [impact.subscriptions, impact.credentials, impact.monthly_revenue, impact.currency],
    ]


def _row_in(kept: list[Any]) -> Row:
    ref, native_id, name, version, status, reason, changes, skipped, product_id, record_version, observed, impact = kept
    difference = Difference(
        tuple(_change_in(change) for change in changes), tuple(Skipped(path, why) for path, why in skipped)
    )
    return Row(
        ref,
        native_id,
        name,
        version,
        Status(status),
        reason,
        difference,
        product_id,
        record_version,
        observed,
        Impact(*impact),
    )


def _change_out(change: Change) -> list[Any]:
    return [
        change.kind.value,
        change.entity_kind,
        change.entity_key,
        change.pointer,
        change.path,
        _side_out(change.before),
        _side_out(change.after),
        change.secret,
        change.counts,
    ]


def _change_in(kept: list[Any]) -> Change:
    kind, entity_kind, entity_key, pointer, path, before, after, secret, counts = kept
    return Change(
        ChangeKind(kind), entity_kind, entity_key, pointer, path, _side_in(before), _side_in(after), secret, counts
    )


def _side_out(value: Json | Absent) -> list[Json]:
    """An empty list stands for ABSENT, a list of one for its value."""
    return [] if isinstance(value, Absent) else [value]


def _side_in(kept: list[Json]) -> Json | Absent:
    return kept[0] if kept else ABSENT


def _dump(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
