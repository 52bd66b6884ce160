"""Sums, and the numbers that nodes gave their events, kept in rollups.db beside the log that they are made from."""

from aforo.usage.rollups.keeper import RollupKeeper
from aforo.usage.rollups.reader import RollupReader

__all__ = ["RollupKeeper", "RollupReader"]
