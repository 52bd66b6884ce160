"""What stands in the Authorization header: a token that was entered, or one that a client secret earns."""

import asyncio
import hashlib
import re
from dataclasses import dataclass, field
from typing import Final, Protocol
from urllib.parse import quote, urlencode
from weakref import WeakKeyDictionary

from aforo.gateway_sdk.errors import GatewayAuthFailed, GatewayError, GatewayNotAnApi
from aforo.gateway_sdk.transport import Answer, Transport
from aforo.kit.clock import Clock

_RENEW_AHEAD_SECONDS: Final = 300
_CODE: Final = re.compile(r"AADSTS(\d+)")
_TENANT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*")
_STEPS: Final = {
    "7000215": "Enter the secret's value, not its id: Azure shows the value only once, when the secret is made.",
    "7000222": "The client secret has expired: make a new one under Certificates & secrets, and enter it.",
    "700016": "Check the client id, and that the app registration is in this tenant.",
    "90002": "Check the tenant id: it stands on the overview page of Microsoft Entra.",
    "900023": "Check the tenant id: it stands on the overview page of Microsoft Entra.",
    "53003": "A conditional access policy of the tenant keeps the app out: let its administrator allow it.",
    "65001": "An administrator of the tenant has to consent to the app first.",
    "70011": "Check the Resource Manager address: the token is asked for it.",
    "500011": "Check the Resource Manager address: the token is asked for it.",
}
_STEP: Final = "Check tenant id, client id and client secret, then test again."


class Tokens(Protocol):
    """A bearer token that is valid for some minutes yet."""

    async def token(self) -> str: ...

    def forget(self, refused: str | None) -> bool:
        """Azure says that this one, or with None any, is not valid; whether another can be had."""
        ...


class FixedToken:
    """A token that the operator entered."""

    def __init__(self, text: str) -> None:
        if not text or not text.isascii() or not text.isprintable() or " " in text:
            raise GatewayAuthFailed(
                "The access token is empty, or holds characters that no HTTP header may carry. No request was sent.",
                next_step="Copy the token again, without line breaks or quotation marks.",
            )
        self._text = text

    async def token(self) -> str:
        return self._text

    def forget(self, refused: str | None) -> bool:
        del refused
        return False


@dataclass(slots=True)
class _Held:
    """The token of one app, for all connectors of this process that sign in with the same values."""

    one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)
    token: str | None = field(default=None, repr=False)
    renew_at: float = 0.0


_HELD: Final[WeakKeyDictionary[Clock, dict[bytes, _Held]]] = WeakKeyDictionary()
"""By the clock on which a token's end is reckoned, then by a digest of what was sent to get it. Never written down."""


class ServicePrincipal:
    """Tokens by the client-credentials grant, renewed five minutes ahead of their end.

    A connector lives for one piece of work, a token for an hour: so it is held for the next one. One request is in
    flight at a time; whoever comes meanwhile waits for it. The end of a token is reckoned by our own clock from the
    moment of asking.
    """

    def __init__(
        self,
        transport: Transport,
        clock: Clock,
        *,
        login_url: str,
        scope: str,
        tenant: str,
        client_id: str,
        secret: str,
    ) -> None:
        if not _TENANT.fullmatch(tenant):
            raise GatewayAuthFailed(
                "The tenant id is neither a GUID nor a domain. No request was sent.", next_step=_STEPS["90002"]
            )
        self._transport = transport
        self._clock = clock
        self._url = f"{login_url}/{quote(tenant, safe='')}/oauth2/v2.0/token"
        form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret, "scope": scope}
        self._secret = secret
        self._form = urlencode(form).encode()
        sent = hashlib.sha256(self._url.encode() + b"\n" + self._form).digest()
        self._held = _HELD.setdefault(clock, {}).setdefault(sent, _Held())

    async def token(self) -> str:
        held = self._held
        async with held.one_at_a_time:
            if held.token is None or self._clock.monotonic() >= held.renew_at:
                asked_at = self._clock.monotonic()
                held.token, lasts_seconds = await self._ask()
                held.renew_at = asked_at + lasts_seconds - min(_RENEW_AHEAD_SECONDS, lasts_seconds / 2)
            return held.token

    def forget(self, refused: str | None) -> bool:
        """Only what is still held: others that were refused at once have been answered by one renewal."""
        if refused is None or self._held.token == refused:
            self._held.token = None
        return True

    async def _ask(self) -> tuple[str, float]:
        answer = await self._transport.call(
            "POST",
            self._url,
            operation="token",
            content=self._form,
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            judge=lambda answer: _refusal(answer, self._secret),
        )
        told = answer.object()
        token, lasts = told.get("access_token"), told.get("expires_in")
        seconds = _seconds(lasts)
        if not isinstance(token, str) or seconds is None:
            raise GatewayNotAnApi(
                "The sign-in address answers with JSON, but without a token.", next_step="Check the sign-in address."
            )
        return token, seconds


def _seconds(value: object) -> float | None:
    """Older versions of the endpoint tell the number as text."""
    return float(value) if isinstance(value, int | float) or (isinstance(value, str) and value.isdigit()) else None


def _refusal(answer: Answer, secret: str) -> GatewayError | None:
    """Entra's refusals are a 400 or a 401, with what is wrong as an AADSTS code within the description."""
    if answer.status not in (400, 401, 403) or b'"error"' not in answer.body:
        return None
    told = answer.object()
    words = str(told.get("error_description") or told.get("error"))
    if len(secret) >= 4:
        words = words.replace(secret, "••••")
    words = re.split(r"\s*(?:Trace ID:|Timestamp:|\r|\n)", words)[0].rstrip(". ")[:300]
    code = _CODE.search(words)
    return GatewayAuthFailed(
        f"Microsoft Entra refused the sign-in ({answer.status}): {words}. Nothing was changed.",
        next_step=_STEPS.get(code[1] if code else "", _STEP),
    )
