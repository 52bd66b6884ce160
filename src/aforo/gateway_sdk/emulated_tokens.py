"""Access tokens of the OAuth emulator. Any emulated gateway can read one without asking; nothing else takes them."""

import hmac
import secrets
from hashlib import sha256
from typing import Final

CLIENT: Final = ("aforo-emulated", "emulated-client-secret")
"""Aforo's id and secret at the OAuth emulator."""
_KEY: Final = b"opens emulators, and nothing else"


def issue(provider: str, ends_at: float) -> str:
    """A token of one provider, good until then, in seconds since 1970."""
    head = f"emulated.{provider}.{int(ends_at)}.{secrets.token_hex(8)}"
    return f"{head}.{_signature(head)}"


def accepts(token: str, provider: str, now: float) -> bool:
    """Whether the emulator gave this token in the provider's name, and it has not ended."""
    head, _, signature = token.rpartition(".")
    parts = head.split(".")
    if len(parts) != 4 or not hmac.compare_digest(signature.encode(), _signature(head).encode()):
        return False
    return parts[:2] == ["emulated", provider] and now < int(parts[2])


def _signature(head: str) -> str:
    return hmac.new(_KEY, head.encode(), sha256).hexdigest()
