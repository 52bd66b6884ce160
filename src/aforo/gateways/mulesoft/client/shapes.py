"""The shapes of Anypoint's addresses and answers, and what is none of them. Pure."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, urlsplit

from aforo.gateway_sdk.errors import GatewayAuthFailed, GatewayError, GatewayNotAnApi
from aforo.gateway_sdk.transport import Answer
from aforo.gateways.mulesoft.manifest import ANYPOINT_URL

Row = dict[str, Any]


def unusable(base: str, token: str) -> GatewayError | None:
    """Why no call can be made with these values. An address with a user name in it would end up in logs."""
    parts = urlsplit(base)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or parts.username:
        return GatewayNotAnApi(
            "The Anypoint address is not an http or https URL of a host alone. No request was sent.",
            next_step=f"Give the address of your region's control plane, such as {ANYPOINT_URL}.",
        )
    if not token.isascii() or not token.isprintable() or " " in token:
        return GatewayAuthFailed(
            "The access token holds characters that no HTTP header may carry. No request was sent.",
            next_step="Copy the token again, without the word Bearer, line breaks or quotation marks.",
        )
    return None


def joined(path: Sequence[str]) -> str:
    return "/".join(quote(part, safe="") for part in path)


def operation_name(method: str, path: Sequence[str]) -> str:
    """The operation's name for call limits: ids stand at every second place."""
    return f"apimanager:{method} {'/'.join(part if place % 2 == 0 else '{id}' for place, part in enumerate(path))}"


def page(answer: Answer, rows_in: str) -> tuple[list[Row], int]:
    told = answer.object()
    rows, total = told.get(rows_in), told.get("total")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise no_list()
    return rows, total if isinstance(total, int) else len(rows)


def identity(row: Row) -> tuple[str, ...]:
    return tuple(str(row.get(name)) for name in ("id", "groupId", "assetId"))


def first(told: Any) -> Row:
    """One object. MuleSoft's description has some of them in a list."""
    one = told[0] if isinstance(told, list) and told else told
    if not isinstance(one, dict):
        raise no_list()
    return one


def no_list() -> GatewayNotAnApi:
    return GatewayNotAnApi(
        "The address answers with JSON, but not as Anypoint does.",
        next_step="Check the Anypoint address: it is that of the platform, not of one of your APIs.",
    )
