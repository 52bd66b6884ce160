"""The usage room's pages: who used how much, what came in, what was refused, and whether anything is missing."""

from fastapi import APIRouter

from aforo.usage.pages import completeness, events, explorer, letters
from aforo.usage.pages.parts import Names, Parts

__all__ = ["Names", "Parts", "router"]


def router(parts: Parts) -> APIRouter:
    """`/usage`, `/events`, `/dead-letters`, `/completeness`."""
    pages = APIRouter(include_in_schema=False)
    for module in (explorer, events, letters, completeness):
        module.add(pages, parts)
    return pages
