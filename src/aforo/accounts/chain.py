"""The audit trail's chain: each line holds a hash over itself and the line before it. Pure.

Whoever changes, removes or inserts a line breaks the chain there. Lines cut off at the end leave a whole chain, so the
newest hash is worth keeping somewhere else: `aforo audit verify` prints it.
"""

import hashlib
import json
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from aforo.kit.jsontree import canonical

GENESIS: Final = "0" * 64
"""Stands before the first line of each tenant."""


class Line(NamedTuple):
    """One stored line; `at` and `detail` as they are kept, text for text."""

    number: int
    tenant_id: str
    at: str
    actor_id: str
    action: str
    subject: str
    detail: str
    hash: str


class Broken(NamedTuple):
    """The first line that does not follow from the one before it."""

    number: int
    at: str


class Verified(NamedTuple):
    """How many lines hold, the newest hash, and where the chain breaks, if it does."""

    lines: int
    head: str
    broken: Broken | None = None


def link(previous: str, tenant_id: str, at: str, actor_id: str, action: str, subject: str, detail: str) -> str:
    """The hash of a line: SHA-256 over a canonical JSON list of the hash before it and all that the line says."""
    told: list[Any] = [previous, tenant_id, at, actor_id, action, subject, json.loads(detail)]
    return hashlib.sha256(canonical(told).encode()).hexdigest()


def verify(lines: Iterable[Line]) -> Verified:
    """Walk one tenant's lines, oldest first, until one does not hold."""
    head, count = GENESIS, 0
    for line in lines:
        if link(head, *line[1:7]) != line.hash:
            return Verified(count, head, Broken(line.number, line.at))
        head, count = line.hash, count + 1
    return Verified(count, head)
