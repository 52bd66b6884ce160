"""Tokens by the client-credentials grant, for a proxy that protects the Admin API."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from aforo.gateway_sdk.contract import Connection
from aforo.gateway_sdk.errors import GatewayAuthFailed, GatewayError, GatewayNotAnApi
from aforo.gateway_sdk.tokens import EarnedToken
from aforo.gateway_sdk.transport import Answer, Transport

_LIFE_UNLESS_TOLD_SECONDS: Final = 300.0


def client_credentials(connection: Connection) -> EarnedToken:
    """Tokens that the form's client earns. Makes no call yet."""
    settings = connection.settings
    form = {
        "grant_type": "client_credentials",
        "client_id": settings.get("client_id", ""),
        "client_secret": settings.get("client_secret", ""),
        **({"scope": settings["scope"]} if settings.get("scope") else {}),
    }
    endpoint = _Endpoint(connection.transport, settings.get("token_url", ""), form)
    return EarnedToken(endpoint.ask, connection.clock, f"{settings.get('token_url')}\n{urlencode(form)}")


class _Endpoint:
    def __init__(self, transport: Transport, url: str, form: Mapping[str, str]) -> None:
        self._transport = transport
        self._url = url
        self._form = urlencode(form).encode()

    async def ask(self) -> tuple[str, float]:
        answer = await self._transport.call(
            "POST",
            self._url,
            operation="POST token",
            content=self._form,
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            judge=self._refusal,
        )
        told = answer.object()
        token, lasts = told.get("access_token"), told.get("expires_in")
        if not isinstance(token, str) or not token:
            raise GatewayNotAnApi(
                "The token endpoint answers with JSON, but without a token.", next_step="Check the token endpoint."
            )
        return token, float(lasts) if isinstance(lasts, int | float) and lasts > 0 else _LIFE_UNLESS_TOLD_SECONDS

    def _refusal(self, answer: Answer) -> GatewayError | None:
        if answer.status not in (400, 401, 403):
            return None
        return GatewayAuthFailed(
            f"The token endpoint refused the client ({answer.status}).",
            next_step="Check client id, client secret and scope, and that the client may use client credentials.",
        )
