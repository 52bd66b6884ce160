"""To a provider's page, back from there, and access tokens from then on."""

import base64
import hashlib
import json
import secrets
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Final
from urllib.parse import urlencode, urlsplit

from aforo.gateway_sdk.manifest import CONSENT, SignIn
from aforo.gateway_sdk.provider import Provider
from aforo.gateway_sdk.tokens import EarnedToken, ReconnectNeeded
from aforo.gateway_sdk.transport import Transport
from aforo.integrations.consent.clients import Client, Clients
from aforo.integrations.consent.endpoint import Granted, TokenEndpoint, explained
from aforo.integrations.consent.errors import ConsentNotPossible, ConsentRefused, UnknownState
from aforo.integrations.consent.store import ConsentStore, Taken
from aforo.integrations.model import Integration
from aforo.integrations.sealing import Sealing
from aforo.kit.clock import Clock, from_rfc3339, rfc3339

_LIFE: Final = timedelta(minutes=10)

OpenTransport = Callable[[Integration, str, Collection[str]], Transport]
"""A way to a provider: for which integration, the provider's name, and what must not get into an error's words."""


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A consent that somebody has gone to give. Sealed at rest, since the verifier is a secret."""

    actor_id: str
    revision: int
    ends_at: str
    verifier: str = field(repr=False)


class Consents:
    """Consents that people give, and the tokens that come of them."""

    def __init__(
        self, store: ConsentStore, sealing: Sealing, clients: Clients, open_transport: OpenTransport, clock: Clock
    ) -> None:
        self._store = store
        self._sealing = sealing
        self._open_transport = open_transport
        self._clock = clock
        self.clients = clients

    async def start(self, integration: Integration, way: SignIn, actor_id: str) -> str:
        """The address of the provider's page for this person. Raises ConsentNotPossible or GatewayError."""
        provider, values = await self._ready(integration, way)
        client = await self._client(integration, way, values)
        state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
        under_way = UnderWay(actor_id, integration.revision, rfc3339(self._clock.now() + _LIFE), verifier)
        sealed = self._sealing.seal_one(
            integration.tenant_id, integration.id, f"consent {_hash(state)}", json.dumps(asdict(under_way))
        )
        await self._store.begin(integration.id, _hash(state), sealed)
        query = {
            "response_type": "code",
            "client_id": client.client_id,
            "redirect_uri": self.clients.redirect_uri,
            "scope": _scope(provider, values),
            "state": state,
            "code_challenge": _challenge(verifier),
            "code_challenge_method": "S256",
            **provider.parameters,
        }
        separator = "&" if urlsplit(client.authorize_url).query else "?"
        return f"{client.authorize_url}{separator}{urlencode({name: text for name, text in query.items() if text})}"

    async def taken(self, tenant_id: str, actor_id: str, state: str) -> tuple[str, UnderWay]:
        """The integration's id, and what was begun. Whoever presents a state uses it up. Raises UnknownState."""
        taken = await self._store.take(_hash(state)) if state else None
        if taken is None or taken.tenant_id != tenant_id:
            raise UnknownState
        under_way = self._opened(taken, state)
        if under_way.actor_id != actor_id or from_rfc3339(under_way.ends_at) <= self._clock.now():
            raise UnknownState
        return taken.integration_id, under_way

    async def finish(
        self, integration: Integration, way: SignIn, under_way: UnderWay, query: Mapping[str, str], who: str
    ) -> None:
        """Exchange the code and keep what comes of it. Raises ConsentRefused, ConsentNotPossible or GatewayError."""
        provider, values = await self._ready(integration, way)
        client = await self._client(integration, way, values)
        if "code" not in query:
            told = {name: query.get(name, "") for name in ("error", "error_subtype", "error_description")}
            words, step, _ = explained(provider, told, client, values)
            raise ConsentRefused(words, next_step=step)
        code = query["code"]
        transport = self._open_transport(
            integration, provider.name, (code, under_way.verifier, client.client_secret, *_secret(values))
        )
        try:
            endpoint = TokenEndpoint(provider, client, transport, values)
            granted = await endpoint.exchange(code, under_way.verifier, self.clients.redirect_uri)
        finally:
            await transport.aclose()
        refresh_token = _enough(provider, granted)
        sealed = self._sealing.seal_one(integration.tenant_id, integration.id, CONSENT.name, refresh_token)
        hint = f"given by {who} at {rfc3339(self._clock.now())}"
        if not await self._store.grant(integration.id, under_way.revision, sealed, hint):
            raise UnknownState

    def tokens(self, integration: Integration, way: SignIn, values: Mapping[str, str]) -> EarnedToken | None:
        """What a connector signs its calls with; None for a sign-in without a provider.

        All connectors of one consent share what is held, so that one renewal is in flight in this process.
        """
        provider = way.provider
        if provider is None:
            return None

        async def ask() -> tuple[str, float]:
            granted = await self._renewed(integration, way, provider, values)
            return granted.access_token, granted.lasts_seconds

        hint = integration.secret_hints.get(CONSENT.name, "")
        return EarnedToken(ask, self._clock, f"consent\0{integration.id}\0{hint}")

    async def _renewed(
        self, integration: Integration, way: SignIn, provider: Provider, values: Mapping[str, str]
    ) -> Granted:
        """With the newest refresh token: a renewal since may have brought another than the connector was given."""
        sealed = await self._store.refresh_token(integration.id)
        if sealed is None:
            raise ReconnectNeeded(
                f"The consent for {integration.name} is gone.", next_step=f"Sign in at {provider.name} once more."
            )
        token = self._sealing.open_one(integration.tenant_id, integration.id, CONSENT.name, sealed)
        client = await self._client(integration, way, values)
        transport = self._open_transport(integration, provider.name, (token, client.client_secret, *_secret(values)))
        try:
            granted = await TokenEndpoint(provider, client, transport, values).renew(token)
        finally:
            await transport.aclose()
        if granted.refresh_token and granted.refresh_token != token:
            newer = self._sealing.seal_one(integration.tenant_id, integration.id, CONSENT.name, granted.refresh_token)
            await self._store.rotate(integration.id, sealed, newer)
        return granted

    async def _ready(self, integration: Integration, way: SignIn) -> tuple[Provider, dict[str, str]]:
        if lack := self.clients.lack(way):
            raise lack
        assert way.provider  # noqa: S101  without one there is a lack
        return way.provider, {**integration.settings, **await self._sealing.secrets(integration)}

    async def _client(self, integration: Integration, way: SignIn, values: Mapping[str, str]) -> Client:
        if way.provider is None:
            raise ConsentNotPossible(f"{way.label} needs no consent.", next_step="Enter its fields.")
        transport = self._open_transport(integration, way.provider.name, _secret(values))
        try:
            return await self.clients.client(way, values, transport)
        finally:
            await transport.aclose()

    def _opened(self, taken: Taken, state: str) -> UnderWay:
        text = self._sealing.open_one(taken.tenant_id, taken.integration_id, f"consent {_hash(state)}", taken.sealed)
        return UnderWay(**json.loads(text))


def _hash(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()


def _challenge(verifier: str) -> str:
    """RFC 7636, S256."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _scope(provider: Provider, values: Mapping[str, str]) -> str:
    """The provider's, or what the form says; braces name fields of the form."""
    text = values.get("scope") or provider.scope
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value.rstrip("/"))
    return text


def _secret(values: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(values[name] for name in ("client_secret", CONSENT.name) if values.get(name))


def _enough(provider: Provider, granted: Granted) -> str:
    """The refresh token, if what was granted is all that is needed."""
    had = set((granted.scope or "").split())
    lacking = [scope for scope in provider.needed if granted.scope is not None and scope not in had]
    if lacking:
        raise ConsentRefused(
            f"The consent lacks {', '.join(lacking)}.",
            next_step=f"Begin again and leave every box ticked on {provider.name}'s page; if it offers none, add these "
            "scopes to Aforo's registration there.",
        )
    if granted.refresh_token is None:
        raise ConsentRefused(
            f"{provider.name} gave no refresh token, so the connection would end within the hour.",
            next_step="Allow Aforo's registration to work offline (the refresh token grant, or the scope "
            "offline_access), remove the consent given so far, then begin again.",
        )
    return granted.refresh_token
