"""Pages that renew themselves: one stream a browser that says which parts have changed, never what they show."""

from aforo.app.live.pulse import Pulse
from aforo.app.live.routes import ADDRESS, LIVE_PAGES, router
from aforo.app.live.sources import sources

__all__ = ["ADDRESS", "LIVE_PAGES", "Pulse", "router", "sources"]
