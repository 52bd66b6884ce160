"""The token endpoint of Microsoft Entra, for one tenant and two apps: one that may do all, one that may only read."""

import math
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from aforo.gateway_sdk import emulated_tokens
from aforo.gateways.azure.emulator.wire import Answer, ArmError, Call, Record
from aforo.kit.clock import Clock

TENANT: Final = "11111111-2222-3333-4444-555555555555"
CONTRIBUTOR: Final = ("aaaaaaaa-0000-4000-8000-000000000001", "emulated~contributor.client-secret")
READER: Final = ("aaaaaaaa-0000-4000-8000-000000000002", "emulated~reader.client-secret")
ACCESS_TOKEN: Final = "emulated-access-token-of-an-owner"  # noqa: S105  opens this emulator alone
_SCOPE: Final = "/.default"

RIGHTS: Final[Mapping[str, Record]] = {
    CONTRIBUTOR[0]: {"actions": ["Microsoft.ApiManagement/service/*"], "notActions": []},
    READER[0]: {"actions": ["*/read"], "notActions": []},
    "owner": {"actions": ["*"], "notActions": []},
}
"""What each caller's role allows, as Azure's permissions call tells it."""


@dataclass(slots=True)
class _Token:
    client: str
    ends_at: float


class SignIn:
    """Gives tokens and knows whose they are."""

    def __init__(self, clock: Clock, token_seconds: int) -> None:
        self._clock = clock
        self.token_seconds = token_seconds
        self.secrets = dict((CONTRIBUTOR, READER))
        self._tokens = {ACCESS_TOKEN: _Token("owner", math.inf)}

    def revoke_all(self) -> None:
        """No token given so far is good any more."""
        self._tokens.clear()

    def token(self, call: Call, tenant: str) -> Answer:
        """POST /{tenant}/oauth2/v2.0/token; errors have Entra's form, not Resource Manager's."""
        form = call.form()
        client = form.get("client_id", "")
        if tenant.lower() != TENANT:
            return _refused(400, "invalid_request", f"AADSTS90002: Tenant '{tenant}' not found.")
        if form.get("grant_type") != "client_credentials":
            return _refused(400, "unsupported_grant_type", "AADSTS70003: The app requested an unsupported grant type.")
        if not form.get("scope", "").endswith(_SCOPE):
            return _refused(400, "invalid_scope", "AADSTS70011: The provided value for 'scope' is not valid.")
        if client not in self.secrets:
            words = f"AADSTS700016: Application with identifier '{client}' was not found in the directory."
            return _refused(400, "unauthorized_client", words)
        if form.get("client_secret") != self.secrets[client]:
            return _refused(401, "invalid_client", "AADSTS7000215: Invalid client secret provided.")
        token = f"eyJ0eXAiOiJKV1QifQ.{secrets.token_urlsafe(48)}"
        self._tokens[token] = _Token(client, self._clock.monotonic() + self.token_seconds)
        return Answer(200, {"token_type": "Bearer", "expires_in": self.token_seconds, "access_token": token})

    def caller(self, call: Call) -> str:
        """Whose token the call carries, or a 401."""
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise _unauthenticated(
                "AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing."
            )
        known = self._tokens.get(token)
        if emulated_tokens.accepts(token, "entra", self._clock.now().timestamp()):
            return "owner"
        if known is None:
            raise _unauthenticated("InvalidAuthenticationToken", "The access token is invalid.")
        if known.ends_at <= self._clock.monotonic():
            raise _unauthenticated(
                "ExpiredAuthenticationToken", "The access token expiry UTC time is earlier than now."
            )
        return known.client


def may(caller: str, method: str) -> bool:
    """Whether the caller's role allows this method."""
    return method in ("GET", "HEAD") or caller != READER[0]


def _unauthenticated(code: str, message: str) -> ArmError:
    return ArmError(401, code, message, headers={"www-authenticate": 'Bearer error="invalid_token"'})


def _refused(status: int, error: str, description: str) -> Answer:
    words = f"{description} Trace ID: 00000000-0000-0000-0000-000000000000"
    return Answer(status, {"error": error, "error_description": words, "error_codes": []})
