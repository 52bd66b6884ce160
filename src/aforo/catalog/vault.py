"""Captured configuration at rest: sealed whole, and compared with its secrets veiled as keyed hashes."""

from dataclasses import replace

from aforo.catalog import codec
from aforo.catalog.model import Change, Preview
from aforo.gateway_sdk.contract import Entity, Product
from aforo.kit.jsontree import Absent, Json, at, canonical, put
from aforo.kit.secretbox import SecretBox


class Vault:
    """Seals what the catalog keeps, bound to tenant and row."""

    def __init__(self, box: SecretBox) -> None:
        self._box = box

    def seal_product(self, tenant_id: str, product_id: str, product: Product) -> bytes:
        return self._box.seal(codec.product_out(product), tenant_id=tenant_id, owner_id=product_id, field="product")

    def open_product(self, tenant_id: str, product_id: str, sealed: bytes) -> Product:
        opened = self._box.open(sealed, tenant_id=tenant_id, owner_id=product_id, field="product")
        return codec.product_in(opened)

    def seal_preview(self, tenant_id: str, preview_id: str, preview: Preview) -> bytes:
        return self._box.seal(codec.preview_out(preview), tenant_id=tenant_id, owner_id=preview_id, field="preview")

    def open_preview(self, tenant_id: str, preview_id: str, sealed: bytes) -> Preview:
        opened = self._box.open(sealed, tenant_id=tenant_id, owner_id=preview_id, field="preview")
        return codec.preview_in(opened)

    def seal_changes(self, tenant_id: str, episode_id: str, changes: tuple[Change, ...]) -> bytes:
        return self._box.seal(codec.changes_out(changes), tenant_id=tenant_id, owner_id=episode_id, field="drift")

    def open_changes(self, tenant_id: str, episode_id: str, sealed: bytes) -> tuple[Change, ...]:
        return codec.changes_in(self._box.open(sealed, tenant_id=tenant_id, owner_id=episode_id, field="drift"))

    def seal_result(self, tenant_id: str, job_id: str, result: bytes) -> bytes:
        """A job's result, which may show what differs."""
        return self._box.seal(result, tenant_id=tenant_id, owner_id=job_id, field="result")

    def open_result(self, tenant_id: str, job_id: str, sealed: bytes) -> bytes:
        return self._box.open(sealed, tenant_id=tenant_id, owner_id=job_id, field="result")

    def veil(self, tenant_id: str, product: Product) -> Product:
        """The same product with each secret replaced by its keyed hash, so that only equality can be told."""
        if not any(entity.secrets for entity in product.entities):
            return product
        return replace(product, entities=tuple(self._veil(tenant_id, entity) for entity in product.entities))

    def _veil(self, tenant_id: str, entity: Entity) -> Entity:
        fields: dict[str, Json] = dict(entity.fields)
        for pointer in entity.secrets:
            value = at(entity.fields, pointer)
            if value is not None and not isinstance(value, Absent):
                put(fields, pointer, "hmac:" + self._box.fingerprint(canonical(value).encode(), tenant_id=tenant_id))
        return replace(entity, fields=fields)
