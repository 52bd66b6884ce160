"""Tokens that a service account's key earns."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from aforo.gateway_sdk.errors import GatewayAuthFailed, GatewayClockSkew, GatewayError
from aforo.gateway_sdk.transport import Answer, Transport
from aforo.kit.clock import Clock

SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform"
_GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_ASSERTION_SECONDS: Final = 3600
_KEY_STEP: Final = (
    "Paste the whole JSON file that Google Cloud offers when a service account's key is created, under IAM, "
    "Service Accounts, Keys."
)


@dataclass(frozen=True, slots=True)
class ServiceAccountKey:
    """What of the key's file is needed to sign in."""

    email: str
    key_id: str
    token_uri: str
    private_key: rsa.RSAPrivateKey = field(repr=False)


def read_key(text: str) -> ServiceAccountKey:
    """The key from its JSON; raises GatewayAuthFailed that says what is wrong with it, and never what is in it."""
    try:
        told = json.loads(text)
    except ValueError as fault:
        raise _unusable("is no JSON") from fault
    if not isinstance(told, dict) or told.get("type") != "service_account":
        raise _unusable("is not of the type service_account")
    missing = [name for name in ("client_email", "private_key", "token_uri") if not isinstance(told.get(name), str)]
    if missing:
        raise _unusable(f"lacks {', '.join(missing)}")
    where = urlsplit(told["token_uri"])
    if where.scheme not in ("http", "https") or not where.hostname or where.username:
        raise _unusable("holds a token_uri that is no http or https address")
    if where.scheme == "http" and where.hostname not in ("127.0.0.1", "localhost", "::1"):
        raise _unusable("holds a token_uri without TLS")
    return ServiceAccountKey(
        told["client_email"], str(told.get("private_key_id", "")), told["token_uri"], _rsa(told["private_key"])
    )


def _rsa(pem: str) -> rsa.RSAPrivateKey:
    try:
        key = serialization.load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise _unusable("holds a private_key that cannot be read") from None  # the cause may quote the key
    if not isinstance(key, rsa.RSAPrivateKey):
        raise _unusable("holds a private_key that is not an RSA key")
    return key


def _unusable(why: str) -> GatewayAuthFailed:
    return GatewayAuthFailed(f"The service account key {why}. No request was sent.", next_step=_KEY_STEP)


class ServiceAccount:
    """Asks for tokens of one hour with a key."""

    def __init__(self, key: ServiceAccountKey, transport: Transport, clock: Clock) -> None:
        self._key = key
        self._transport = transport
        self._clock = clock

    async def ask(self) -> tuple[str, float]:
        form = urlencode({"grant_type": _GRANT, "assertion": self._assertion()})
        answer = await self._transport.call(
            "POST",
            self._key.token_uri,
            operation="POST token",
            content=form.encode(),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            judge=_refusal,
        )
        told = answer.object()
        token, lasts = told.get("access_token"), told.get("expires_in")
        if not isinstance(token, str) or not isinstance(lasts, int | float):
            raise GatewayAuthFailed(
                "The token endpoint answered without a token.", next_step="Check the token_uri in the key file."
            )
        return token, float(lasts)

    def _assertion(self) -> str:
        now = int(self._clock.now().timestamp())
        head = {"alg": "RS256", "typ": "JWT", "kid": self._key.key_id}
        claims = {
            "iss": self._key.email,
            "scope": SCOPE,
            "aud": self._key.token_uri,
            "iat": now,
            "exp": now + _ASSERTION_SECONDS,
        }
        signed = f"{_base64(json.dumps(head).encode())}.{_base64(json.dumps(claims).encode())}"
        return f"{signed}.{_base64(self._key.private_key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _refusal(answer: Answer) -> GatewayError | None:
    """Google's token endpoint refuses with a 400 or 401 and says why in words; the rest goes by its status."""
    if answer.status not in (400, 401):
        return None
    words = _words(answer)
    if "timeframe" in words or "iat and exp" in words:
        return GatewayClockSkew(
            f"Google refused the assertion, since its times do not fit: {words}.",
            next_step="Set the clock of the machine that Aforo runs on; Google allows a few minutes.",
        )
    return GatewayAuthFailed(
        f"Google does not accept the service account key: {words}.",
        next_step="Check that the service account exists and is enabled and that this key has not been deleted; "
        "else create a new key and enter it.",
    )


def _words(answer: Answer) -> str:
    try:
        told: Any = json.loads(answer.body)
    except (ValueError, UnicodeDecodeError):
        return f"it answered {answer.status}"
    named: Mapping[str, Any] = told if isinstance(told, dict) else {}
    found = [named[key] for key in ("error", "error_description") if isinstance(named.get(key), str)]
    return (": ".join(found) or f"it answered {answer.status}").rstrip(".")[:300]
