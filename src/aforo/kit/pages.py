"""What a room's pages are given by the app, so that they need not know the app."""

from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import Response


class PageRender(Protocol):
    """Render a template by name (`integrations/list.html`) for a request, with the values that it needs."""

    def __call__(self, name: str, request: Request, *, status: int = 200, **values: Any) -> Response: ...
