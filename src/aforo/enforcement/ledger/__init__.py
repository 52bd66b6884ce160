"""ledger.db: what must survive a crash so that nothing is sold twice, and what people want to look up later."""

from aforo.enforcement.ledger.file import KEPT_MS, Ledger, Loaded, Noted, Writes
from aforo.enforcement.ledger.keeper import Keeper

__all__ = ["KEPT_MS", "Keeper", "Ledger", "Loaded", "Noted", "Writes"]
