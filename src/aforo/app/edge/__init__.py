"""The edge process: what gateways call. Raw ASGI, no framework; heavy modules stay out of it."""

from aforo.app.edge.process import run

__all__ = ["run"]
