"""The console's pages: who was told what, did it arrive; and the channels."""

from fastapi import APIRouter

import aforo.alerts.pages.alerts as alerts
import aforo.alerts.pages.channels as channels
from aforo.alerts.pages.parts import Parts
from aforo.alerts.pages.told import ToldLine, told_of

__all__ = ["Parts", "ToldLine", "router", "told_of"]


def router(parts: Parts) -> APIRouter:
    """`/alerts` and `/alerts/channels`."""
    pages = APIRouter(include_in_schema=False)
    for add in (channels.add, alerts.add):  # the paths of channels would be taken for ids of alerts
        add(pages, parts)
    return pages
