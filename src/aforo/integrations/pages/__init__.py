"""The console's pages on integrations: list, connect in steps, detail, settings."""

from fastapi import APIRouter

from aforo.integrations.pages import changes, connect, consent, detail, listing, pausing, testing
from aforo.integrations.pages.parts import Parts

__all__ = ["Parts", "router"]


def router(parts: Parts) -> APIRouter:
    """`/integrations` and below."""
    pages = APIRouter(include_in_schema=False)
    runs = testing.TestRuns(parts.integrations, parts.jobs)
    for add in (listing.add, connect.add, consent.add, testing.add, changes.add, pausing.add, detail.add):
        add(pages, parts, runs)
    return pages
