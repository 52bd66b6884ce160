"""Drift: noticed by scanning, answered by restore, accept and ignore."""

from aforo.catalog.drift.answering import DriftWatch, RestoreResult, untold
from aforo.catalog.drift.scanning import DriftView

__all__ = ["DriftView", "DriftWatch", "RestoreResult", "untold"]
