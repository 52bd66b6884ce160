"""Tokens that a client secret earns."""

import re
from typing import Final
from urllib.parse import quote, urlencode

from aforo.gateway_sdk.errors import GatewayAuthFailed, GatewayError, GatewayNotAnApi
from aforo.gateway_sdk.transport import Answer, Transport

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


class ServicePrincipal:
    """Asks for tokens by the client-credentials grant. `credential` tells one app's sign-in from another's."""

    def __init__(
        self,
        transport: Transport,
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
        self._url = f"{login_url}/{quote(tenant, safe='')}/oauth2/v2.0/token"
        form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret, "scope": scope}
        self._secret = secret
        self._form = urlencode(form).encode()
        self.credential = f"{self._url}\n{self._form.decode()}"

    async def ask(self) -> tuple[str, float]:
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
