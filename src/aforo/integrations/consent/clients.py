"""Aforo as a client of OAuth2 providers: who we are there, and where its pages and token endpoint are."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, urlsplit

from aforo.gateway_sdk import emulated_tokens
from aforo.gateway_sdk.errors import GatewayNotAnApi
from aforo.gateway_sdk.manifest import SignIn
from aforo.gateway_sdk.provider import Provider
from aforo.gateway_sdk.transport import Transport
from aforo.integrations.consent.errors import ConsentNotPossible

_BRACE: Final = re.compile(r"{(\w+)}")


@dataclass(frozen=True, slots=True)
class Client:
    """Aforo at one provider, for one integration. `basic`: the secret goes in a header and not in the form."""

    authorize_url: str
    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    basic: bool = False


class Clients:
    """Knows the installation's registrations by facts such as `google.client_id`, `redirect_uri`, `emulator_url`."""

    def __init__(self, facts: Mapping[str, str]) -> None:
        self._facts = facts

    @property
    def redirect_uri(self) -> str:
        return self._facts.get("redirect_uri", "")

    @property
    def emulator(self) -> tuple[str, int] | None:
        """Where the OAuth emulator listens, which may be called though it is on this machine."""
        parts = urlsplit(self._facts.get("emulator_url", ""))
        return (parts.hostname, parts.port or 80) if parts.hostname else None

    def lack(self, way: SignIn) -> ConsentNotPossible | None:
        """Why nobody can consent yet, and what has to be set; None where somebody can."""
        provider = way.provider
        if provider is None:
            return ConsentNotPossible(f"{way.label} needs no consent.", next_step="Enter its fields.")
        if not self.redirect_uri:
            return ConsentNotPossible(
                "Aforo does not know how browsers reach it, so the provider has nowhere to send people back to.",
                next_step="Set AFORO_PUBLIC_URL and start Aforo again.",
            )
        if provider.key and not self._facts.get("emulator_url") and not self._fact(provider, "client_id"):
            name = f"AFORO_{provider.key.upper()}"
            return ConsentNotPossible(
                f"Aforo is not registered at {provider.name} yet.",
                next_step=f"Register it with the redirect URI {self.redirect_uri}, then set {name}_CLIENT_ID and "
                f"{name}_CLIENT_SECRET and start Aforo again.",
            )
        return None

    async def client(self, way: SignIn, values: Mapping[str, str], transport: Transport) -> Client:
        """Raises ConsentNotPossible, or GatewayError where an issuer does not describe itself."""
        if lack := self.lack(way):
            raise lack
        assert way.provider  # noqa: S101  without one there is a lack
        if not way.provider.key:
            return await _discovered(values, transport)
        return self._registered(way.provider, values)

    def _registered(self, provider: Provider, values: Mapping[str, str]) -> Client:
        authorize, token = _filled(provider.authorize, values), _filled(provider.token, values)
        if emulator := self._facts.get("emulator_url", "").rstrip("/"):
            pages = self._facts.get("emulator_pages", emulator).rstrip("/")
            authorize = _moved(authorize, f"{pages}/{provider.key}")
            return Client(authorize, _moved(token, f"{emulator}/{provider.key}"), *emulated_tokens.CLIENT)
        if origin := self._fact(provider, "url").rstrip("/"):
            authorize, token = _moved(authorize, origin), _moved(token, origin)
        return Client(authorize, token, self._fact(provider, "client_id"), self._fact(provider, "client_secret"))

    def _fact(self, provider: Provider, name: str) -> str:
        return self._facts.get(f"{provider.key}.{name}", "")


async def _discovered(values: Mapping[str, str], transport: Transport) -> Client:
    """By the issuer's own description (OpenID Connect Discovery, RFC 8414 at the same path)."""
    issuer = values.get("issuer", "").rstrip("/")
    url = f"{issuer}/.well-known/openid-configuration"
    told = (await transport.call("GET", url, operation="GET openid-configuration")).object()
    authorize, token = told.get("authorization_endpoint"), told.get("token_endpoint")
    if str(told.get("issuer", "")).rstrip("/") != issuer or not _same_security(issuer, authorize, token):
        raise GatewayNotAnApi(
            f"{issuer} does not describe itself as an OpenID Connect issuer: the description must name that very "
            "issuer, an authorization_endpoint and a token_endpoint, with TLS if the issuer has it.",
            next_step="Give the issuer exactly as its own description names it.",
        )
    ways = told.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    return Client(
        str(authorize),
        str(token),
        values.get("client_id", ""),
        values.get("client_secret", ""),
        basic="client_secret_post" not in ways,
    )


def _same_security(issuer: str, *endpoints: object) -> bool:
    allowed = ("https",) if issuer.startswith("https:") else ("http", "https")
    return all(isinstance(one, str) and urlsplit(one).scheme in allowed for one in endpoints)


def _filled(address: str, values: Mapping[str, str]) -> str:
    return _BRACE.sub(lambda found: quote(values.get(found[1], ""), safe=""), address)


def _moved(address: str, origin: str) -> str:
    """The same path somewhere else."""
    return origin + urlsplit(address).path
