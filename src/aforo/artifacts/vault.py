"""Wiring and receipt at rest: sealed, since the one holds an API key and the other what customers had configured."""

import json

from aforo.artifacts import codec
from aforo.gateway_sdk.artifact import Receipt, Wiring
from aforo.kit.secretbox import SecretBox


class ArtifactVault:
    """Seals under the tenant's key, bound to the integration."""

    def __init__(self, box: SecretBox) -> None:
        self._box = box

    def seal(self, tenant_id: str, integration_id: str, wiring: Wiring | None, receipt: Receipt | None) -> bytes:
        told = {
            "wiring": codec.wiring_out(wiring) if wiring else None,
            "receipt": codec.receipt_out(receipt) if receipt else None,
        }
        return self._box.seal(json.dumps(told).encode(), tenant_id=tenant_id, owner_id=integration_id, field="artifact")

    def open(self, tenant_id: str, integration_id: str, sealed: bytes) -> tuple[Wiring | None, Receipt | None]:
        """Raises SecretLost."""
        opened = self._box.open(sealed, tenant_id=tenant_id, owner_id=integration_id, field="artifact")
        read = json.loads(opened)
        wiring, receipt = read["wiring"], read["receipt"]
        return codec.wiring_in(wiring) if wiring else None, codec.receipt_in(receipt) if receipt else None
