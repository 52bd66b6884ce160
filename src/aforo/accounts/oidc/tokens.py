"""Whether an id_token proves who somebody is: OpenID Connect Core 1.0 §3.1.3.7. Pure.

What is signed with a secret (HS256 and its like) or not at all is refused before a key is looked for: a public key must
never serve as a secret.
"""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from hmac import compare_digest
from typing import Any, Final

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from aforo.accounts.oidc.errors import TokenRefused

LEEWAY_SECONDS: Final = 60
_KEY_TYPES: Final[dict[str, type[RSAKey] | type[ECKey]]] = {"RS256": RSAKey, "PS256": RSAKey, "ES256": ECKey}
_LONGEST: Final = 100_000
_LONGEST_SUBJECT: Final = 255

Jwk = dict[str, Any]


class _Registry(jws.JWSRegistry):
    """Headers may carry a certificate."""

    max_header_length = 8_192


def head_of(token: str) -> Mapping[str, Any]:
    """The header, not yet to be believed. Raises TokenRefused."""
    try:
        raw = token.split(".", 1)[0]
        head = json.loads(base64.urlsafe_b64decode(raw + "=" * (-len(raw) % 4)))
    except (ValueError, binascii.Error):
        head = None
    if not isinstance(head, dict) or len(token) > _LONGEST:
        raise _refused("it is no signed token")
    return head


def key_for(head: Mapping[str, Any], keys: Sequence[Jwk]) -> Jwk | None:
    """The key that a header names; where it names none, the only one that could have signed."""
    fitting = [one for one in keys if one.get("use", "sig") == "sig"]
    if "kid" in head:
        return next((one for one in fitting if one.get("kid") == head["kid"]), None)
    kind = "EC" if str(head.get("alg")).startswith("ES") else "RSA"
    fitting = [one for one in fitting if one.get("kty") == kind]
    return fitting[0] if len(fitting) == 1 else None


def signed_claims(token: str, key: Jwk | None) -> dict[str, Any]:
    """What a token says, if this key signed it by a method that we accept. Raises TokenRefused."""
    method = head_of(token).get("alg")
    kind = _KEY_TYPES.get(method) if isinstance(method, str) else None
    if kind is None:
        raise TokenRefused(
            f"The identity provider signed with {str(method)[:20]!r}, which proves nothing here.",
            next_step="Have RS256, PS256 or ES256 set for Aforo at the provider.",
        )
    if key is None:
        raise _refused("it is signed with a key that the provider does not publish")
    try:
        found = jws.deserialize_compact(token, kind.import_key(key), registry=_registry(str(method)))
        claims = json.loads(found.payload)
    except (JoseError, ValueError, TypeError) as fault:
        raise _refused("its signature is not right") from fault
    if not isinstance(claims, dict):
        raise _refused("it holds no claims")
    return claims


def _registry(method: str) -> jws.JWSRegistry:
    """PS256 is not among those that the library takes unasked; headers that it does not know, such as Entra's, pass."""
    return _Registry(algorithms=[method], strict_check_header=False)


def check(claims: Mapping[str, Any], *, issuer: str, client_id: str, nonce: str, now: datetime) -> None:
    """Whether the claims are meant for us, now, and for this very sign-in. Raises TokenRefused."""
    subject = claims.get("sub")
    if claims.get("iss") != issuer:
        raise _refused("it comes from another issuer")
    if not _is_for(client_id, claims.get("aud"), claims.get("azp")):
        raise _refused("it was made for another application")
    if not isinstance(subject, str) or not 1 <= len(subject) <= _LONGEST_SUBJECT:
        raise _refused("it names nobody")
    if not compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
        raise _refused("it belongs to another sign-in")
    _check_times(claims, now.timestamp())


def _is_for(client_id: str, audience: object, party: object) -> bool:
    """Several audiences need the authorized party, which must be us wherever it is told."""
    every = audience if isinstance(audience, list) else [audience]
    return client_id in every and (party == client_id if party is not None else len(every) == 1)


def _check_times(claims: Mapping[str, Any], now: float) -> None:
    ends, made = _moment(claims.get("exp")), _moment(claims.get("iat"))
    begins = _moment(claims.get("nbf") or 0)
    if ends is None or made is None or begins is None:
        raise _refused("it does not say when it was made and when it ends")
    if now >= ends + LEEWAY_SECONDS:
        raise TokenRefused(
            f"The identity provider's answer had ended {round(now - ends)} s before it arrived.",
            next_step="Sign in again. If it happens again, this machine's clock is ahead: have it set by NTP.",
        )
    ahead = max(made, begins) - now
    if ahead > LEEWAY_SECONDS:
        raise TokenRefused(
            f"The identity provider's answer was made {round(ahead)} s in the future.",
            next_step="This machine's clock is behind, or the provider's is ahead: have it set by NTP.",
        )


def _moment(told: Any) -> float | None:
    """Seconds since 1970; None for what is no such number."""
    is_number = isinstance(told, int | float) and not isinstance(told, bool)
    return float(told) if is_number and abs(told) < 1e11 else None


def _refused(why: str) -> TokenRefused:
    return TokenRefused(
        f"The identity provider's answer cannot be accepted: {why}. Nobody was signed in.",
        next_step="Sign in again. If it happens again, ask an administrator to check AFORO_OIDC_ISSUER and "
        "AFORO_OIDC_CLIENT_ID.",
    )
