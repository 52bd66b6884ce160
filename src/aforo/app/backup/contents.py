"""What an archive says of itself: `manifest.json`, its last member, so that an archive cut short has none."""

import hashlib
from pathlib import Path
from typing import Final

import msgspec

from aforo.kit.secretbox import MasterKeys, SecretLost

FORMAT: Final = 1
NAME: Final = "manifest.json"


class CannotBackUp(Exception):
    """Says what is in the way and what to do about it. No archive was made or replaced."""


class CannotRestore(Exception):
    """Says what is in the way and what to do about it. No data folder was changed."""


class Copied(msgspec.Struct, frozen=True):
    """One file: where it stands in the data folder, its bytes, and their SHA-256 in hexadecimal."""

    path: str
    size: int
    sha256: str


class Contents(msgspec.Struct, frozen=True, rename="camel"):
    """`schemas`: of each database that has versions; `keys`: the fingerprint of each sealing key by its number."""

    version: str
    created_at: str
    schemas: dict[str, int]
    keys: dict[int, str]
    files: tuple[Copied, ...]
    format: int = FORMAT


def fingerprints(path: Path) -> dict[int, str]:
    """Of each sealing key in the file; nothing of a key can be learnt from it. The file is never made here."""
    if not path.exists():
        return {}
    keys = MasterKeys.load_or_create(path)
    found = {}
    for number in range(keys.oldest, keys.newest + 1):
        try:
            derived = keys.derive(number, "", "fingerprint of the key itself")
        except SecretLost:
            continue
        found[number] = hashlib.sha256(derived).hexdigest()[:32]
    return found
