"""Secrets at rest: AES-256-GCM under a key per tenant, derived by HKDF from a versioned master key.

A sealed record is bytes: version (1), key id (4, big endian), nonce (12, random), ciphertext and tag. The associated
data binds it to its place (tenant, owner, field; each length-prefixed), so that a record moved to another row does not
open.
"""

import hashlib
import hmac
import os
import struct
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from aforo.kit.errors import Conflict

_VERSION: Final = 1
_HEAD: Final = struct.Struct(">BI")
_NONCE_BYTES: Final = 12


class SecretLost(Conflict):
    """The record cannot be opened: the master key is another one, or the record was changed or moved."""

    code = "secret_lost"


class MasterKeys:
    """Master keys by id; the highest seals, all of them open."""

    def __init__(self, keys: dict[int, bytes]) -> None:
        if not keys or any(len(key) != 32 for key in keys.values()):
            raise ValueError("a master key is 32 bytes, and there is at least one")
        self._keys = dict(keys)
        self.newest = max(keys)
        self.oldest = min(keys)

    @classmethod
    def load_or_create(cls, path: Path) -> "MasterKeys":
        """Read `id:hex` lines from a file that only its owner may read; make one with a fresh key if there is none."""
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w") as file:
                file.write(f"1:{os.urandom(32).hex()}\n")
                file.flush()
                os.fsync(file.fileno())
        lines = [line for line in path.read_text().splitlines() if line.strip()]
        return cls({int(number): bytes.fromhex(key) for number, key in (line.split(":") for line in lines)})

    def derive(self, key_id: int, tenant_id: str, purpose: str) -> bytes:
        """32 bytes for one tenant and purpose; raises SecretLost for a key id that is not here."""
        master = self._keys.get(key_id)
        if master is None:
            raise SecretLost(
                f"The master key {key_id} that sealed this is not in the key file.",
                next_step="Put that key back, or reconnect the integration.",
            )
        info = b"aforo/" + purpose.encode() + b"/" + tenant_id.encode()
        return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(master)


class SecretBox:
    """Seals and opens for all tenants; holds no state but the master keys and a cache of derived ones."""

    def __init__(self, keys: MasterKeys) -> None:
        self._keys = keys
        self._derived: dict[tuple[int, str, str], bytes] = {}

    def seal(self, secret: bytes, *, tenant_id: str, owner_id: str, field: str) -> bytes:
        head = _HEAD.pack(_VERSION, self._keys.newest)
        nonce = os.urandom(_NONCE_BYTES)
        cipher = AESGCM(self._key(self._keys.newest, tenant_id, "seal"))
        return head + nonce + cipher.encrypt(nonce, secret, head + _place(tenant_id, owner_id, field))

    def open(self, sealed: bytes, *, tenant_id: str, owner_id: str, field: str) -> bytes:
        """Raises SecretLost when the key is gone or the record is not the one that was sealed for this place."""
        head, nonce = sealed[: _HEAD.size], sealed[_HEAD.size : _HEAD.size + _NONCE_BYTES]
        try:
            version, key_id = _HEAD.unpack(head)
            if version != _VERSION:
                raise InvalidTag
            cipher = AESGCM(self._key(key_id, tenant_id, "seal"))
            return cipher.decrypt(nonce, sealed[len(head) + len(nonce) :], head + _place(tenant_id, owner_id, field))
        except (InvalidTag, struct.error, ValueError) as fault:
            raise SecretLost(
                f"The sealed {field} of {owner_id} does not open: it was changed, moved, or sealed under another key.",
                next_step="Restore the master key file, or enter the secret again.",
            ) from fault

    def key_id(self, sealed: bytes) -> int:
        """Which master key sealed this; for rotation, which is to open and to seal again."""
        return int(_HEAD.unpack(sealed[: _HEAD.size])[1])

    def fingerprint(self, secret: bytes, *, tenant_id: str) -> str:
        """A keyed HMAC: equal secrets of one tenant look equal, and nothing else can be learnt from it.

        The key comes from the oldest master key, so that fingerprints outlive a rotation.
        """
        return hmac.new(self._key(self._keys.oldest, tenant_id, "fingerprint"), secret, hashlib.sha256).hexdigest()

    def _key(self, key_id: int, tenant_id: str, purpose: str) -> bytes:
        known = self._derived.get((key_id, tenant_id, purpose))
        if known is None:
            known = self._derived[key_id, tenant_id, purpose] = self._keys.derive(key_id, tenant_id, purpose)
        return known


def _place(*parts: str) -> bytes:
    return b"".join(struct.pack(">I", len(raw)) + raw for raw in (part.encode() for part in parts))
