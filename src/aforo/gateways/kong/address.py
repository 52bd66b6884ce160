"""Where Kong's Admin API or Konnect's copy of it is, and what each call carries to be let in. Pure."""

import base64
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, urlsplit

from aforo.gateway_sdk.contract import Connection
from aforo.gateway_sdk.errors import GatewayAuthFailed, GatewayError, GatewayNotAnApi
from aforo.gateway_sdk.tokens import Tokens
from aforo.gateways.kong.tokens import client_credentials

_LONGEST_URL: Final = 2000
_PLACE: Final = re.compile(r"(?:\[(?P<ip>[^\]]+)\]|[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?)(?::\d*)?")
_KONNECT: Final = "https://{region}.api.konghq.com/v2"


@dataclass(frozen=True, slots=True)
class Address:
    """Where the entities live and what each call carries. `root` answers for the whole: the node or control plane.

    `tokens` are for a proxy before the Admin API that wants a bearer token which does not last.
    """

    base: str
    root: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    konnect: bool = False
    tokens: Tokens | None = field(default=None, repr=False)


def address(connection: Connection) -> Address | GatewayError:
    """From the form's values; an error as a value where no call could be made with them."""
    try:
        return _konnect(connection.settings) if connection.sign_in == "konnect" else _admin(connection)
    except GatewayError as fault:
        return fault


def _konnect(settings: Mapping[str, str]) -> Address:
    base = _url(settings.get("base_url") or _KONNECT.format(region=quote(settings.get("region") or "us", safe="")))
    plane = f"{base}/control-planes/{quote(settings.get('control_plane_id', '').strip(), safe='')}"
    headers = _header("Authorization", f"Bearer {settings.get('token', '').strip()}")
    return Address(f"{plane}/core-entities", plane, headers, konnect=True)


def _admin(connection: Connection) -> Address:
    base = _url(connection.settings.get("admin_url", ""))
    if workspace := connection.settings.get("workspace", "").strip():
        base = f"{base}/{quote(workspace, safe='')}"
    return Address(base, f"{base}/", _sign_in(connection.sign_in, connection.settings), tokens=_tokens(connection))


def _tokens(connection: Connection) -> Tokens | None:
    return client_credentials(connection) if connection.sign_in == "client_credentials" else connection.tokens


def _sign_in(kind: str, settings: Mapping[str, str]) -> dict[str, str]:
    if kind == "header_token":
        return _header(settings.get("header_name", "").strip() or "Kong-Admin-Token", settings.get("token", "").strip())
    if kind == "basic":
        pair = f"{settings.get('username', '')}:{settings.get('password', '')}".encode()
        return _header("Authorization", f"Basic {base64.b64encode(pair).decode()}")
    return {}


def _header(name: str, value: str) -> dict[str, str]:
    if not value.isascii() or not value.isprintable() or not name.isascii() or not name.replace("-", "").isalnum():
        raise GatewayAuthFailed(
            "The header's name or the token holds characters that no HTTP header may carry. No request was sent.",
            next_step="Copy the token again, without line breaks or quotation marks.",
        )
    return {name: value}


def _url(text: str) -> str:
    """The address without its last slash. One with a user name in it is refused: it would end up in logs."""
    clean = text.strip().rstrip("/")
    try:
        parts = urlsplit(clean)
        fits = parts.scheme in ("http", "https") and _is_place(parts.netloc) and parts.port != 0
    except ValueError:  # brackets that do not close, a port that is no number
        fits = False
    if not fits or not clean.isprintable() or len(clean) > _LONGEST_URL or parts.query or parts.fragment:
        raise GatewayNotAnApi(
            "The address is not an http or https URL with a host and a port that can be. No request was sent.",
            next_step="Give the Admin API's address, such as https://kong.internal:8444 or http://[fd00::1]:8001.",
        )
    if parts.username or parts.password:
        raise GatewayNotAnApi(
            "The address holds a user name or password, which does not belong there. No request was sent.",
            next_step="Choose the sign-in by user name and password instead.",
        )
    return clean


def _is_place(netloc: str) -> bool:
    """A name or an IP address, perhaps with a port. Names with other letters are written in their xn-- form."""
    found = _PLACE.fullmatch(netloc.rpartition("@")[2])
    if found and found["ip"]:
        ipaddress.IPv6Address(found["ip"])  # raises ValueError
    return found is not None
