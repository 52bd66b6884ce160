"""What a room's pages share: what the app gives them, so that they need not know it, and where they may lead."""

from typing import Any, Protocol
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response


class PageRender(Protocol):
    """Render a template by name (`integrations/list.html`) for a request, with the values that it needs."""

    def __call__(self, name: str, request: Request, *, status: int = 200, **values: Any) -> Response: ...


def counting(render: PageRender, request: Request, title: str) -> Response:
    """Says that figures are being summed up, and comes again by itself, also without scripts, until they are there."""
    answer = render("shell/counting.html", request, title=title)
    answer.headers["refresh"] = "1"
    return answer


def local_path(where: str, otherwise: str = "/") -> str:
    """`where` if it is a path of ours, else `otherwise`: for every redirect or link to what a request named.

    Browsers read `\\` as `/` and leave tabs and line ends out of an address, so that `/<tab>/evil` leads to a stranger.
    """
    if not where.startswith("/") or where.startswith("//") or "\\" in where or not where.isprintable():
        return otherwise
    try:
        parts = urlsplit(where)
    except ValueError:
        return otherwise
    return otherwise if parts.netloc or parts.scheme else where
