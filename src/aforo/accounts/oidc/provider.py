"""Talks to the identity provider: its description and keys, which are kept for an hour, and its token endpoint."""

import base64
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final
from urllib.parse import quote_plus, urlsplit

import httpx2

from aforo.accounts.oidc.errors import ProviderRefused, ProviderUnavailable
from aforo.accounts.oidc.model import Registration
from aforo.accounts.oidc.tokens import Jwk, head_of, key_for
from aforo.kit.clock import Clock

_KEPT_SECONDS: Final = 3_600.0
_TIMEOUT_SECONDS: Final = 10.0
_LONGEST_BYTES: Final = 1_000_000
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True)
class Description:
    """OpenID Connect Discovery 1.0. `names_itself`: answers carry the issuer (RFC 9207)."""

    issuer: str
    authorize_url: str
    token_url: str
    keys_url: str
    userinfo_url: str
    leave_url: str
    basic: bool
    names_itself: bool


class IdentityProvider:
    """One provider, as one client. Errors hold no secret and name the provider as people know it."""

    def __init__(self, registration: Registration, clock: Clock) -> None:
        self._registration = registration
        self._clock = clock
        self._described: tuple[float, Description] | None = None
        self._keys: tuple[float, list[Jwk]] | None = None

    @property
    def name(self) -> str:
        return self._registration.name

    async def description(self) -> Description:
        """Raises ProviderUnavailable."""
        now = self._clock.monotonic()
        if self._described is None or now - self._described[0] >= _KEPT_SECONDS:
            url = f"{self._registration.issuer.rstrip('/')}/.well-known/openid-configuration"
            self._described = (now, self._read(await self._get(url)))
        return self._described[1]

    async def key_of(self, token: str) -> Jwk | None:
        """The published key that a token names. One that is not known yet may be new, so the keys are read again."""
        head = head_of(token)
        now = self._clock.monotonic()
        if self._keys is not None and now - self._keys[0] < _KEPT_SECONDS:
            known = key_for(head, self._keys[1])
            if known is not None:
                return known
        told = (await self._get((await self.description()).keys_url)).get("keys")
        self._keys = (now, [one for one in told if isinstance(one, dict)] if isinstance(told, list) else [])
        return key_for(head, self._keys[1])

    async def exchange(self, code: str, verifier: str) -> tuple[str, str]:
        """The id_token and the access token for a code. Raises ProviderRefused, ProviderUnavailable."""
        me, place = self._registration, await self.description()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "code_verifier": verifier,
            "redirect_uri": me.redirect_uri,
            "client_id": me.client_id,
        }
        headers = {"accept": "application/json"}
        if me.client_secret and place.basic:  # RFC 6749 §2.3.1: both are form-encoded first
            pair = f"{quote_plus(me.client_id)}:{quote_plus(me.client_secret)}"
            headers["authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        elif me.client_secret:
            form["client_secret"] = me.client_secret
        answer = await self._ask("POST", place.token_url, headers=headers, data=form)
        told = self._object(answer)
        if answer.status_code != 200 or "error" in told:
            raise self._refusal(answer.status_code, str(told.get("error", "")))
        id_token, access_token = told.get("id_token"), told.get("access_token")
        if not isinstance(id_token, str):
            raise ProviderRefused(
                f"{self.name} gave no id_token.", next_step="AFORO_OIDC_SCOPES must name the scope openid."
            )
        return id_token, access_token if isinstance(access_token, str) else ""

    async def more_claims(self, access_token: str) -> dict[str, Any]:
        """What the userinfo endpoint adds; Okta, for one, leaves addresses and groups out of the id_token."""
        url = (await self.description()).userinfo_url
        if not url or not access_token:
            return {}
        return await self._get(url, {"authorization": f"Bearer {access_token}"})

    def _read(self, told: Mapping[str, Any]) -> Description:
        """A description must name the issuer that it was asked of, and keep to TLS where that does."""
        wanted, issuer = self._registration.issuer, told.get("issuer")
        names = ("authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint", "end_session_endpoint")
        urls = [str(told.get(name) or "") for name in names]
        if not isinstance(issuer, str) or issuer.rstrip("/") != wanted.rstrip("/"):
            raise self._unavailable(
                f"describes itself as {str(issuer)[:200]!r}, not as {wanted!r}",
                "Set AFORO_OIDC_ISSUER to exactly the issuer that its description names.",
            )
        if not all(urls[:3]) or not all(_is_safe(one, wanted) for one in urls if one):
            raise self._unavailable("lacks an endpoint, or has one without TLS", "Check AFORO_OIDC_ISSUER.")
        ways = told.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        announces = told.get("authorization_response_iss_parameter_supported") is True
        authorize, token, keys, userinfo, leave = urls
        return Description(issuer, authorize, token, keys, userinfo, leave, "client_secret_basic" in ways, announces)

    async def _get(self, url: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        answer = await self._ask("GET", url, headers={"accept": "application/json", **(headers or {})})
        if answer.status_code != 200:
            raise self._unavailable(f"answers {answer.status_code} at {urlsplit(url).path}")
        return self._object(answer)

    async def _ask(self, method: str, url: str, **more: Any) -> httpx2.Response:
        """Redirects are not followed, and no proxy is taken from the environment."""
        try:
            async with httpx2.AsyncClient(trust_env=False, timeout=_TIMEOUT_SECONDS, verify=self._trust) as http:
                return await http.request(method, url, **more)
        except httpx2.HTTPError as fault:
            raise self._unavailable("does not answer") from fault

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        """The machine's own certificates, so that a company's private CA is known as soon as the machine knows it."""
        return ssl.create_default_context()

    def _object(self, answer: httpx2.Response) -> dict[str, Any]:
        try:
            told = answer.json() if len(answer.content) <= _LONGEST_BYTES else None
        except ValueError:
            told = None
        if answer.status_code >= 500 or not isinstance(told, dict):
            raise self._unavailable(f"answers {answer.status_code}, and not as an identity provider does")
        return told

    def _refusal(self, status: int, error: str) -> ProviderRefused:
        if status == 401 or error in ("invalid_client", "unauthorized_client"):
            return ProviderRefused(
                f"{self.name} does not accept Aforo's client id or secret.",
                next_step="An administrator must set AFORO_OIDC_CLIENT_ID and AFORO_OIDC_CLIENT_SECRET as the provider "
                "shows them (secrets expire) and start Aforo again.",
            )
        plain = "".join(letter for letter in error if letter.isalnum() or letter == "_")[:60]
        return ProviderRefused(f"{self.name} refused the sign-in ({plain or status}).", next_step="Begin again.")

    def _unavailable(self, what: str, step: str = "") -> ProviderUnavailable:
        return ProviderUnavailable(
            f"{self.name} {what}. Nobody was signed in.",
            next_step=step or "Try again in a minute, or sign in another way.",
            retry_after_seconds=60,
        )


def is_secure(issuer: str) -> bool:
    """Whether an issuer may be asked at all: with TLS, or on this machine."""
    parts = urlsplit(issuer)
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    )


def _is_safe(url: object, issuer: str) -> bool:
    return isinstance(url, str) and is_secure(url) and (url.startswith("https:") or issuer.startswith("http:"))
