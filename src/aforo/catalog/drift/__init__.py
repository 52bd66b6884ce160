"""Drift: noticed by scanning, answered by restore, accept and ignore."""

from aforo.catalog.drift.answering import DriftWatch, RestoreResult, untold
from aforo.catalog.drift.scanning import DriftView
from aforo.catalog.drift.sweep import Sweep, Sweeper

__all__ = ["DriftView", "DriftWatch", "RestoreResult", "Sweep", "Sweeper", "untold"]
