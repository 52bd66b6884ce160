"""Products: discover, preview, import, drift, restore."""

from aforo.catalog.drift import DriftWatch
from aforo.catalog.model import Impact
from aforo.catalog.service import Catalog, ImpactOf
from aforo.catalog.sql import ProductStore
from aforo.catalog.vault import Vault

__all__ = ["Catalog", "DriftWatch", "Impact", "ImpactOf", "ProductStore", "Vault"]
