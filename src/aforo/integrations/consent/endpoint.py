"""Calls of a provider's token endpoint, and what its refusals mean."""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote_plus, urlencode, urlsplit

from aforo.gateway_sdk.errors import GatewayAuthFailed, GatewayError, GatewayNotAnApi
from aforo.gateway_sdk.provider import Provider
from aforo.gateway_sdk.tokens import ReconnectNeeded
from aforo.gateway_sdk.transport import Answer, Transport
from aforo.integrations.consent.clients import Client

_LIFE_UNLESS_TOLD_SECONDS: Final = 1800.0
_GONE: Final = frozenset({"invalid_grant", "interaction_required", "consent_required", "login_required"})
"""Errors that a new consent mends, whoever says them."""
_BRACE: Final = re.compile(r"{(\w+)}")


@dataclass(frozen=True, slots=True)
class Granted:
    """What the token endpoint gave. `scope` is None where it did not tell."""

    access_token: str = field(repr=False)
    lasts_seconds: float
    refresh_token: str | None = field(repr=False)
    scope: str | None


class TokenEndpoint:
    """One provider's, as one client. Errors hold no secret: the transport was told of all that travel here."""

    def __init__(self, provider: Provider, client: Client, transport: Transport, values: Mapping[str, str]) -> None:
        self._provider = provider
        self._client = client
        self._transport = transport
        self._values = values

    async def exchange(self, code: str, verifier: str, redirect_uri: str) -> Granted:
        wish = {"grant_type": "authorization_code", "code": code, "code_verifier": verifier}
        return await self._ask({**wish, "redirect_uri": redirect_uri})

    async def renew(self, refresh_token: str) -> Granted:
        """Raises ReconnectNeeded once the consent is gone."""
        return await self._ask({"grant_type": "refresh_token", "refresh_token": refresh_token})

    async def _ask(self, wish: Mapping[str, str]) -> Granted:
        client, headers = self._client, {"Content-Type": "application/x-www-form-urlencoded"}
        form = {**wish, "client_id": client.client_id}
        if client.basic and client.client_secret:
            pair = f"{quote_plus(client.client_id)}:{quote_plus(client.client_secret)}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        elif client.client_secret:
            form["client_secret"] = client.client_secret
        answer = await self._transport.call(
            "POST",
            client.token_url,
            operation="POST token",
            content=urlencode(form).encode(),
            headers=headers,
            judge=self._refusal,
        )
        return _granted(answer)

    def _refusal(self, answer: Answer) -> GatewayError | None:
        """Refusals are a 400, 401 or 403 with an `error`; anything else goes by its status."""
        if answer.status not in (400, 401, 403):
            return None
        try:
            told = json.loads(answer.body)
        except ValueError:
            return None
        if not isinstance(told, dict) or not isinstance(told.get("error"), str):
            return None
        clean = {name: self._transport.hush(str(told.get(name, ""))) for name in _TELLING}
        words, step, reconnect = explained(self._provider, clean, self._client, self._values)
        return (ReconnectNeeded if reconnect else GatewayAuthFailed)(words, next_step=step)


_TELLING: Final = ("error", "error_subtype", "error_description")


def explained(
    provider: Provider, told: Mapping[str, str], client: Client, values: Mapping[str, str]
) -> tuple[str, str, bool]:
    """A refusal in words, the next step, and whether a new consent mends it. What is `told` holds no secret."""
    error = _line(told.get("error", ""), 60)
    said = " ".join(told.get(name, "") for name in _TELLING).lower()
    known = next((refusal for refusal in provider.refusals if refusal.sign in said), None)
    parts = urlsplit(client.authorize_url)
    named = {**values, "client_id": client.client_id, "origin": f"{parts.scheme}://{parts.netloc}"}
    if known:
        step = _BRACE.sub(lambda found: named.get(found[1], ""), known.next_step)
        return f"{known.words} ({error}).", step, known.reconnect or error in _GONE
    quoted = _line(told.get("error_description", ""), 300)
    words = f"{provider.name} refused ({error}){': ' + quoted if quoted else ''}."
    if error in _GONE:
        return words, f"Reconnect: sign in at {provider.name} once more.", True
    return words, f"Check Aforo's registration at {provider.name}, then sign in there again.", False


def _line(text: str, longest: int) -> str:
    """The vendor's words in one line, without the trace ids that Entra adds."""
    plain = re.split(r"\s*(?:Trace ID:|Timestamp:)", " ".join(text.split()))[0]
    return "".join(letter for letter in plain if letter.isprintable()).rstrip(". ")[:longest]


def _granted(answer: Answer) -> Granted:
    told: dict[str, Any] = answer.object()
    token, lasts, refresh, scope = (told.get(name) for name in ("access_token", "expires_in", "refresh_token", "scope"))
    if not isinstance(token, str) or not token:
        raise GatewayNotAnApi(
            "The token endpoint answers with JSON, but without an access token.", next_step="Check its address."
        )
    try:
        seconds = max(1.0, float(str(lasts)))
    except ValueError:
        seconds = _LIFE_UNLESS_TOLD_SECONDS
    return Granted(
        token,
        seconds,
        refresh if isinstance(refresh, str) and refresh else None,
        scope if isinstance(scope, str) else None,
    )
