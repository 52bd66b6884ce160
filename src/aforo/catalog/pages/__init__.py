"""The console's pages on products: previews and import, the list, one product, drift and its answers."""

from fastapi import APIRouter

import aforo.catalog.pages.answers as answers
import aforo.catalog.pages.compare as compare
import aforo.catalog.pages.listing as listing
import aforo.catalog.pages.previews as previews
import aforo.catalog.pages.product as product
from aforo.catalog.pages.parts import Parts

__all__ = ["Parts", "router"]


def router(parts: Parts) -> APIRouter:
    """`/previews` and `/products`."""
    pages = APIRouter(include_in_schema=False)
    for add in (previews.add, listing.add, product.add, compare.add, answers.add):
        add(pages, parts)
    return pages
