"""The hot path: may this call through?"""

from aforo.enforcement.errors import LedgerUnavailable, NotReady
from aforo.enforcement.ledger import Ledger
from aforo.enforcement.model import Log, Span
from aforo.enforcement.service import Enforcement
from aforo.enforcement.state import CredentialSource, RecordsWatch, Snapshot

__all__ = [
    "CredentialSource",
    "Enforcement",
    "Ledger",
    "LedgerUnavailable",
    "Log",
    "NotReady",
    "RecordsWatch",
    "Snapshot",
    "Span",
]
