"""What a page shows while the use of a long span is summed up for the first time since the start."""

from typing import Final

from fastapi import Request
from fastapi.responses import Response

from aforo.kit.pages import PageRender

PATIENCE_SECONDS: Final = 0.15
"""How long a page waits for figures before it says that they are being counted."""


def counting(render: PageRender, request: Request) -> Response:
    """Comes again by itself, also without scripts, until the figures are there."""
    answer = render("enforcement/counting.html", request)
    answer.headers["refresh"] = "1"
    return answer
