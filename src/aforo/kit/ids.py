"""Opaque ids with a readable prefix, such as `int_01k9q3…`; sortable by time of making."""

import secrets
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u to misread


def new_id(prefix: str) -> str:
    """48 bits of milliseconds, then 80 random bits, in 26 characters behind the prefix."""
    number = (time.time_ns() // 1_000_000 << 80) | secrets.randbits(80)
    return f"{prefix}_{_base32(number, 26)}"


def random_text(length: int) -> str:
    """Random letters and digits of the same alphabet: 5 bits a character."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def _base32(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, rest = divmod(number, 32)
        digits.append(_ALPHABET[rest])
    return "".join(reversed(digits))
