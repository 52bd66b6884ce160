"""Secrets of credentials: made, sealed for their place, and opened."""

import hashlib

from aforo.credentials.model import Credential
from aforo.kit.ids import random_text
from aforo.kit.secretbox import SecretBox

_LETTERS = 40  # 200 bits


class Secrets:
    """Seals under the tenant's key, bound to the credential and, for what a gateway made, to that gateway."""

    def __init__(self, box: SecretBox) -> None:
        self._box = box

    def make(self) -> str:
        return f"aforo_{random_text(_LETTERS)}"

    def seal(self, credential: Credential, secret: str) -> bytes:
        return self._seal(credential, "secret", secret)

    def seal_place(self, credential: Credential, integration_id: str, secret: str) -> bytes:
        return self._seal(credential, f"secret@{integration_id}", secret)

    def open(self, credential: Credential) -> str:
        """Raises SecretLost."""
        return self._open(credential, "secret", credential.sealed or b"")

    def open_place(self, credential: Credential, integration_id: str, sealed: bytes) -> str:
        return self._open(credential, f"secret@{integration_id}", sealed)

    def _seal(self, one: Credential, field: str, secret: str) -> bytes:
        return self._box.seal(secret.encode(), tenant_id=one.tenant_id, owner_id=one.id, field=field)

    def _open(self, one: Credential, field: str, sealed: bytes) -> str:
        return self._box.open(sealed, tenant_id=one.tenant_id, owner_id=one.id, field=field).decode()


def sha256(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
