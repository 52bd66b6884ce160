"""`aforo integrations`: the gateways that Aforo is connected to."""

from aforo.app.cli.groups.integrations import connect, look
from aforo.app.cli.groups.integrations.group import app

__all__ = ["app", "connect", "look"]
