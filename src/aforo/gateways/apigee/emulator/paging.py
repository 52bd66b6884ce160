"""The two styles in which lists are cut into pages: from a start key, which is included, or by tokens."""

import base64
from collections.abc import Sequence

from .answers import Row, invalid
from .requests import Request


def from_start_key(request: Request, rows: Sequence[Row], page_size: int, most: int = 1000) -> list[Row]:
    """The rows already begin at the start key; a page says nothing about the next one."""
    return list(rows[: min(request.count("count", most, most), page_size)])


def by_token(request: Request, rows: Sequence[Row], page_size: int, default: int) -> tuple[list[Row], Row]:
    """A page, and what to say of the next."""
    begin = _begin(request.query.get("pageToken", ""))
    size = min(request.count("pageSize", default, 1000), page_size)
    end = begin + size
    following = {"nextPageToken": base64.urlsafe_b64encode(str(end).encode()).decode()} if len(rows) > end else {}
    return list(rows[begin:end]), following


def _begin(token: str) -> int:
    try:
        return int(base64.urlsafe_b64decode(token)) if token else 0
    except ValueError:
        raise invalid("The page token is not valid.") from None
