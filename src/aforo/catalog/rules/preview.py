"""What would change in Aforo's record if everything at the gateway were imported."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from aforo.catalog.model import Difference, Impact, Preview, Recorded, Row, Status
from aforo.catalog.rules.diff import compare
from aforo.gateway_sdk.contract import SPEC_KIND, Discovery, Product
from aforo.gateway_sdk.manifest import EntityKind
from aforo.kit.jsontree import digest

_NO_IMPACT = Impact()


def preview(
    recorded: Sequence[Recorded],
    discovery: Discovery,
    kinds: Sequence[EntityKind],
    impacts: Mapping[str, Impact] | None = None,
) -> Preview:
    """Every product exactly once, in ref order. A partial discovery makes nothing STALE: it lists what it left open."""
    matched = match(recorded, discovery.products)
    told = impacts or {}
    rows = [_row(record, product, kinds, told) for record, product in matched if product]
    absent = [record for record, product in matched if record and not product]
    if not discovery.partial:
        rows += [_stale(record, told) for record in absent]
    rows.sort(key=lambda row: (row.ref, row.native_id))
    unread = tuple(sorted(record.product.ref for record in absent)) if discovery.partial else ()
    return Preview(keyed(rows), discovery.problems, discovery.notes, unread, _hash(rows))


def keyed(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Each row with a key that no other row has: its ref, unless another row has the same ref.

    Two rows share a ref when a product took the name of one that is gone, which Aforo still has under that name.
    """
    times = Counter(row.ref for row in rows)
    return tuple(replace(row, key=row.ref if times[row.ref] == 1 else _own_key(row)) for row in rows)


def _own_key(row: Row) -> str:
    return f"{row.ref}#{row.product_id or row.native_id}"


def match(recorded: Iterable[Recorded], products: Iterable[Product]) -> list[tuple[Recorded | None, Product | None]]:
    """Pair records with live products: by native id, then by ref among what is left.

    Of records with the same native id the one that has the product's ref is its twin.
    """
    live = list(products)
    records = list(recorded)
    by_both = {(product.native_id, product.ref): product for product in live}
    paired = {record.id: by_both.get((record.product.native_id, record.product.ref)) for record in records}
    taken = {id(product) for product in paired.values() if product}
    by_id = {product.native_id: product for product in live if id(product) not in taken}
    for record in records:
        paired[record.id] = paired[record.id] or by_id.pop(record.product.native_id, None)
    by_ref = {product.ref: product for product in by_id.values()}
    for record in records:
        paired[record.id] = paired[record.id] or by_ref.pop(record.product.ref, None)
    taken = {id(product) for product in paired.values() if product}
    pairs: list[tuple[Recorded | None, Product | None]] = [(record, paired[record.id]) for record in records]
    return pairs + [(None, product) for product in live if id(product) not in taken]


def observed_digest(product: Product) -> str:
    """One digest over all that a person could have set: tells whether a product is still the one that was planned."""
    return digest([product.native_id, product.ref, product.spec_digest, product.config_digest])


def reason(difference: Difference) -> str:
    """In one clause, what differs."""
    kinds = {change.entity_kind for change in difference.changes if change.counts}
    if not kinds:
        return ""
    if kinds == {SPEC_KIND}:
        return "spec differs between gateway and Aforo"
    if SPEC_KIND in kinds:
        return "spec and configuration differ between gateway and Aforo"
    return "configuration differs between gateway and Aforo"


def _row(record: Recorded | None, product: Product, kinds: Sequence[EntityKind], impacts: Mapping[str, Impact]) -> Row:
    if record is None:
        status, why, difference = Status.NEW, "", Difference()
    else:
        difference = compare(record.product, product, kinds, record.ignored_paths)
        status = Status.CHANGED if difference.is_drift else Status.UNCHANGED
        why = reason(difference)
    return Row(
        ref=product.ref,
        native_id=product.native_id,
        name=product.name,
        version=product.version,
        status=status,
        reason=why,
        difference=difference,
        product_id=record.id if record else None,
        record_version=record.record_version if record else None,
        observed=observed_digest(product),
        impact=impacts.get(record.id, _NO_IMPACT) if record else _NO_IMPACT,
    )


def _stale(record: Recorded, impacts: Mapping[str, Impact]) -> Row:
    product = record.product
    return Row(
        ref=product.ref,
        native_id=product.native_id,
        name=product.name,
        version=product.version,
        status=Status.STALE,
        reason="in Aforo, no longer at the gateway",
        product_id=record.id,
        record_version=record.record_version,
        impact=impacts.get(record.id, _NO_IMPACT),
    )


def _hash(rows: Sequence[Row]) -> str:
    """Over both sides: each row's record version and what was observed of it."""
    return digest([[row.ref, row.native_id, row.product_id, row.record_version, row.observed] for row in rows])
