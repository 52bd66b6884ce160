"""One field for everything that has a name or an id."""

from aforo.app.search.finding import find
from aforo.app.search.pages import router

__all__ = ["find", "router"]
