"""Grants in memory: an immutable snapshot of records.db, replaced whole, and what changed between two of them."""

from aforo.enforcement.state.changes import Changes
from aforo.enforcement.state.load import CredentialSource
from aforo.enforcement.state.snapshot import Snapshot
from aforo.enforcement.state.terms import scaled
from aforo.enforcement.state.watch import RecordsWatch

__all__ = ["Changes", "CredentialSource", "RecordsWatch", "Snapshot", "scaled"]
