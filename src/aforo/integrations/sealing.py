"""An integration's secrets, sealed for its place."""

from collections.abc import Mapping

from aforo.integrations.model import Integration
from aforo.integrations.sql import IntegrationStore
from aforo.kit.secretbox import SecretBox


class Sealing:
    """Seals what is to be stored, and opens what is."""

    def __init__(self, store: IntegrationStore, box: SecretBox) -> None:
        self._store = store
        self._box = box

    def seal(self, integration: Integration, secrets: Mapping[str, str]) -> dict[str, bytes]:
        return {
            field: self._box.seal(value.encode(), tenant_id=integration.tenant_id, owner_id=integration.id, field=field)
            for field, value in secrets.items()
        }

    def seal_one(self, tenant_id: str, integration_id: str, field: str, text: str) -> bytes:
        return self._box.seal(text.encode(), tenant_id=tenant_id, owner_id=integration_id, field=field)

    def open_one(self, tenant_id: str, integration_id: str, field: str, sealed: bytes) -> str:
        """Raises SecretLost."""
        return self._box.open(sealed, tenant_id=tenant_id, owner_id=integration_id, field=field).decode()

    async def secrets(self, integration: Integration) -> dict[str, str]:
        """By field. Raises SecretLost when one of them does not open."""
        sealed = await self._store.sealed(integration.id)
        return {
            field: self._box.open(blob, tenant_id=integration.tenant_id, owner_id=integration.id, field=field).decode()
            for field, blob in sealed.items()
            if field in integration.secret_hints
        }
