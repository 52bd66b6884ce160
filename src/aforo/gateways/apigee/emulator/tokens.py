"""Google's token endpoint, as far as a service account's key goes, and who holds a valid token."""

import base64
import hmac
import json
import secrets
from functools import cache
from typing import Any, Final
from urllib.parse import parse_qs

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from aforo.gateway_sdk import emulated_tokens

from .answers import Answer, Refused, unauthenticated
from .requests import Request
from .store import Store

EMAIL: Final = "aforo@emulated-apis.iam.gserviceaccount.com"
KEY_ID: Final = "6b1f0a7c9d2e4f5081726354a5b6c7d8e9f00112"
FIXED_TOKEN: Final = "ya29.emulated"  # noqa: S105  opens nothing but an emulator
_GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_SKEW_SECONDS: Final = 300
_LONGEST_SECONDS: Final = 3600
# The two primes of the emulator's key. Everybody may know them: they open nothing but an emulator, and standing here
# they let a connection be written down by one process and used against another.
_PRIMES: Final = (
    int(
        "f989e7a1f6c2a2c229c0da6c739a03786cd4a5454153315b665e1fc835563cc0445ca584e97ef9035de9c88611a07fdf"
        "dcc3c6cb99d339c2fa877ab568c9568b7ee1e5e45df526fee5be98cbdec0564f3a818acfc2d5033b45188b2234ba3c10"
        "b03ffc908f607e3b80ee3bfc820f4e93432283701f068d36a27b2eb233b7b327",
        16,
    ),
    int(
        "c8c8d73ae26fe3effe182244607bbe955cb7b9cd9f8480ea1dcd7de2162e0cbf8a239374a7cc0d0924e174cb4322c96f"
        "1fee2b2da51ec338a163645eb1f0b06f359e2def855903f469d0f5d9322b9366e4c9e3a26661cced1e7cbfa25c4b90ed"
        "cf93a6e334aa9862181483833f181358f36b82ab33d32c4f60f9e5daed132257",
        16,
    ),
)


@cache
def private_key() -> rsa.RSAPrivateKey:
    p, q = _PRIMES
    e = 65537
    d = rsa.rsa_recover_private_exponent(e, p, q)
    public = rsa.RSAPublicNumbers(e, p * q)
    numbers = rsa.RSAPrivateNumbers(
        p, q, d, rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q), public
    )
    return numbers.private_key()


def key_file(token_uri: str) -> str:
    """The JSON that Google Cloud would offer for the emulator's service account."""
    pem = private_key().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    told = {
        "type": "service_account",
        "project_id": EMAIL.partition("@")[2].partition(".")[0],
        "private_key_id": KEY_ID,
        "private_key": pem.decode(),
        "client_email": EMAIL,
        "token_uri": token_uri,
    }
    return json.dumps(told, indent=2)


class TokenEndpoint:
    """Gives tokens for signed assertions, and lets bearers of one in."""

    def __init__(self, store: Store, lasts_seconds: int) -> None:
        self._store = store
        self._lasts_seconds = lasts_seconds

    def admit(self, request: Request) -> None:
        """Return for a bearer of a valid token; raise the refusal for everybody else."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise unauthenticated()
        if hmac.compare_digest(token.encode(), FIXED_TOKEN.encode()):
            return
        if emulated_tokens.accepts(token, "google", self._store.now()):
            return
        known = self._store.get("tokens", token)
        if known is None or known["ends"] <= self._store.now():
            raise unauthenticated()

    def revoke_all(self) -> None:
        """All that were given end at once."""
        for row in list(self._store.rows("tokens")):
            self._store.remove("tokens", row["token"])

    def answer(self, request: Request) -> Answer:
        form = {name: values[0] for name, values in parse_qs(request.body.decode(errors="replace")).items()}
        if form.get("grant_type") != _GRANT:
            raise _refusal("unsupported_grant_type", f"Invalid grant_type: {form.get('grant_type', '')}")
        self._verify(form.get("assertion", ""))
        token = f"ya29.{secrets.token_urlsafe(48)}"
        self._store.put("tokens", token, {"token": token, "ends": self._store.now() + self._lasts_seconds})
        return Answer(200, {"access_token": token, "expires_in": self._lasts_seconds, "token_type": "Bearer"})

    def _verify(self, assertion: str) -> None:
        head, claims, signature, signed = _parts(assertion)
        if head.get("alg") != "RS256" or claims.get("iss") != EMAIL:
            raise _refusal("invalid_grant", "Invalid grant: account not found")
        try:
            private_key().public_key().verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            raise _refusal("invalid_grant", "Invalid JWT Signature.") from None
        if not str(claims.get("aud", "")).endswith("/token"):
            raise _refusal("invalid_grant", "Invalid JWT: Failed audience check.")
        if not _is_timely(claims, self._store.now()):
            raise _refusal(
                "invalid_grant",
                "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. "
                "Check your iat and exp values in the JWT claim.",
            )
        if not claims.get("scope"):
            raise _refusal("invalid_scope", "Invalid OAuth scope or ID token audience provided.")


def _is_timely(claims: dict[str, Any], now: float) -> bool:
    begins, ends = claims.get("iat"), claims.get("exp")
    if not isinstance(begins, int) or not isinstance(ends, int):
        return False
    return begins - _SKEW_SECONDS <= now < ends and 0 < ends - begins <= _LONGEST_SECONDS


def _parts(assertion: str) -> tuple[dict[str, Any], dict[str, Any], bytes, bytes]:
    signed, _, last = assertion.rpartition(".")
    try:
        head, claims = (json.loads(_decoded(part)) for part in signed.split("."))
        signature = _decoded(last)
    except ValueError:
        raise _refusal("invalid_request", "Bad Request") from None
    return dict(head), dict(claims), signature, signed.encode()


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _refusal(error: str, words: str) -> Refused:
    return Refused(Answer(400, {"error": error, "error_description": words}))
