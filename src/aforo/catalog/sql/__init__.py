"""What the catalog stores: products, their versions, previews, drift episodes."""

from aforo.catalog.sql.products import ProductStore, order_key

__all__ = ["ProductStore", "order_key"]
