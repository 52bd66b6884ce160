"""The console's pages on credentials: which keys work where, existing consumers, orphans."""

from fastapi import APIRouter

from aforo.credentials.pages import acts, consumers, issuing, keys, orphans
from aforo.credentials.pages.parts import Parts, of_subscription

__all__ = ["Parts", "of_subscription", "router"]


def router(parts: Parts) -> APIRouter:
    """`/credentials`, its orphans, a subscription's new credential, and an integration's consumers."""
    pages = APIRouter(include_in_schema=False)
    for add in (orphans.add, keys.add, issuing.add, acts.add, consumers.add):
        add(pages, parts)
    return pages
