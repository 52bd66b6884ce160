"""The console's pages on what runs inside a gateway."""

from fastapi import APIRouter

from aforo.artifacts.pages import acts, overview, steps
from aforo.artifacts.pages.parts import Parts

__all__ = ["Parts", "router"]


def router(parts: Parts) -> APIRouter:
    """`/integrations/{id}/enforcement` and below."""
    pages = APIRouter(include_in_schema=False)
    for add in (overview.add, steps.add, acts.add):
        add(pages, parts)
    return pages
