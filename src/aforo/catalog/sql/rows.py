"""A product's row between its table and its value."""

import json
from typing import Any

from aforo.catalog.model import ProductRow
from aforo.kit.clock import from_rfc3339, rfc3339


def product_row(row: Any) -> ProductRow:
    return ProductRow(
        id=row["id"],
        tenant_id=row["tenant_id"],
        integration_id=row["integration_id"],
        ref=row["ref"],
        native_id=row["native_id"],
        name=row["name"],
        version=row["version"],
        monetized=bool(row["monetized"]),
        record_version=row["record_version"],
        spec_digest=row["spec_digest"],
        config_digest=row["config_digest"],
        ignored=frozenset(json.loads(row["ignored"])),
        drift_id=row["drift_id"],
        created_at=from_rfc3339(row["created_at"]),
        updated_at=from_rfc3339(row["updated_at"]),
        checked_at=from_rfc3339(row["checked_at"]) if row["checked_at"] else None,
    )


def recorded_values(row: ProductRow) -> dict[str, Any]:
    """What a new version changes."""
    return {
        "ref": row.ref,
        "native_id": row.native_id,
        "name": row.name,
        "version": row.version,
        "record_version": row.record_version,
        "spec_digest": row.spec_digest,
        "config_digest": row.config_digest,
        "updated_at": rfc3339(row.updated_at),
    }


def first_values(row: ProductRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "tenant_id": row.tenant_id,
        "integration_id": row.integration_id,
        "monetized": row.monetized,
        "ignored": json.dumps(sorted(row.ignored)),
        "created_at": rfc3339(row.created_at),
        **recorded_values(row),
    }
