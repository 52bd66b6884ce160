"""An OAuth2 authorization server to try signing in with: a consent page, and a token endpoint.

The first segment of a path names whom it stands for (`google`, `entra`, `mulesoft`, `oidc`), the rest is that vendor's
own path, of which only the end is looked at. Facts: RFC 6749, RFC 7636, RFC 7009. Anybody may be the client
`aforo-emulated`; nobody signs in; what it gives opens emulated gateways alone.
"""

import base64
import hashlib
import html
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from aforo.gateway_sdk.emulated_tokens import CLIENT, issue
from aforo.gateway_sdk.emulator import Receive, Scope, Send, StateFile, answer, answer_json, read_body

PORT: Final = 8096
_CALLBACK: Final = "/api/v1/oauth/callback"
_CODE_SECONDS: Final = 60
_PROVIDERS: Final = {"google": "Google", "entra": "Microsoft Entra", "mulesoft": "MuleSoft Anypoint", "oidc": "OpenID"}
_PAGE: Final = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Consent at {provider}</title>
<meta name="viewport" content="width=device-width"></head><body><main>
<h1>Emulated sign-in at {provider}</h1><p>{client} asks for: {scope}</p>
<form method="post"><button name="decision" value="approve">Approve</button>
<button name="decision" value="deny">Deny</button></form></main></body></html>"""

Form = Mapping[str, str]


class Refused(Exception):
    """An error of the token endpoint."""

    def __init__(self, error: str, words: str, status: int = 400) -> None:
        super().__init__(words)
        self.error = error
        self.status = status


class OAuthEmulator:
    """`token_seconds` is how long access tokens last; `rotates` whether each renewal brings a new refresh token, after
    which the old one, presented again, ends the whole consent; `offline` whether there are refresh tokens at all;
    `refuses` is an error and its words that Approve ends with."""

    def __init__(
        self,
        state: StateFile,
        *,
        token_seconds: int = 3600,
        rotates: bool = True,
        offline: bool = True,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._state = state
        self._kept: dict[str, Any] = {"codes": {}, "refresh": {}, "used": {}, **state.load()}
        self.token_seconds = token_seconds
        self.rotates = rotates
        self.offline = offline
        self.refuses: tuple[str, str] | None = None
        self.refreshes = 0
        self._now = now

    def revoke_all(self) -> None:
        """As a person does on the page of their account."""
        self._kept["refresh"].clear()
        self._save()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        parts = scope["path"].strip("/").split("/")
        query = dict(parse_qsl(scope["query_string"].decode()))
        form = dict(parse_qsl((await read_body(receive)).decode(errors="replace")))
        provider, last = parts[0], parts[-1]
        if provider not in _PROVIDERS:
            await answer_json(send, 404, {"error": "not_found"})
        elif last in ("auth", "authorize"):
            await self._authorize(send, scope["method"], provider, query, form)
        elif last == "openid-configuration":
            await answer_json(send, 200, _description(scope, provider))
        elif last in ("token", "revoke") and scope["method"] == "POST":
            await self._answer_token(send, provider, last, {**form, **_basic(scope)})
        else:
            await answer_json(send, 404, {"error": "not_found"})

    async def _authorize(self, send: Send, method: str, provider: str, query: Form, form: Form) -> None:
        if wrong := _wrong(query):
            words = f"<!doctype html><title>Refused</title><h1>Refused</h1><p>{html.escape(wrong)}</p>"
            await answer(send, 400, words.encode(), _HTML)
        elif method != "POST":
            shown = {"provider": _PROVIDERS[provider], "client": query["client_id"], "scope": query.get("scope", "")}
            page = _PAGE.format(**{name: html.escape(text) for name, text in shown.items()})
            await answer(send, 200, page.encode(), _HTML)
        else:
            told = {**self._decided(provider, query, form.get("decision")), "state": query.get("state", "")}
            await answer(send, 303, b"", {"location": f"{query['redirect_uri']}?{urlencode(told)}"})

    def _decided(self, provider: str, query: Form, decision: str | None) -> dict[str, str]:
        if decision != "approve":
            return {"error": "access_denied", "error_description": "The resource owner denied the request."}
        if self.refuses:
            return {"error": self.refuses[0], "error_description": self.refuses[1]}
        code = secrets.token_urlsafe(24)
        self._kept["codes"][code] = {**query, "provider": provider, "ends": self._now() + _CODE_SECONDS}
        self._save()
        return {"code": code}

    async def _answer_token(self, send: Send, provider: str, what: str, form: Form) -> None:
        try:
            if (form.get("client_id"), form.get("client_secret")) != CLIENT:
                raise Refused("invalid_client", "Unknown client, or wrong secret.", 401)
            told = self._revoked(form) if what == "revoke" else self._granted(provider, form)
        except Refused as refused:
            await answer_json(send, refused.status, {"error": refused.error, "error_description": str(refused)})
        else:
            await answer_json(send, 200, told, {"cache-control": "no-store"})

    def _granted(self, provider: str, form: Form) -> dict[str, object]:
        match form.get("grant_type"):
            case "authorization_code":
                scope = self._exchanged(provider, form)
            case "refresh_token":
                return self._refreshed(provider, form)
            case "client_credentials":
                return self._access(provider, form.get("scope", ""))
            case other:
                raise Refused("unsupported_grant_type", f"No such grant: {other}.")
        refresh = {"refresh_token": self._new_refresh(provider, scope, secrets.token_hex(8))} if self.offline else {}
        return {**self._access(provider, scope), **refresh}

    def _exchanged(self, provider: str, form: Form) -> str:
        kept = self._kept["codes"].pop(form.get("code", ""), None)
        self._save()
        if kept is None or kept["provider"] != provider or kept["ends"] <= self._now():
            raise Refused("invalid_grant", "The code is unknown, used or too old.")
        if kept["redirect_uri"] != form.get("redirect_uri") or kept["client_id"] != form.get("client_id"):
            raise Refused("invalid_grant", "The code was given for another redirect URI or client.")
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != kept["code_challenge"]:
            raise Refused("invalid_grant", "The code verifier does not fit the challenge.")
        return str(kept.get("scope", ""))

    def _refreshed(self, provider: str, form: Form) -> dict[str, object]:
        self.refreshes += 1
        token = form.get("refresh_token", "")
        if family := self._kept["used"].get(token):
            self._end(family)
        kept = self._kept["refresh"].get(token)
        if kept is None or kept["provider"] != provider:
            raise Refused("invalid_grant", "Token has been expired or revoked.")
        told = self._access(provider, kept["scope"])
        if self.rotates:
            del self._kept["refresh"][token]
            self._kept["used"][token] = kept["family"]
            told["refresh_token"] = self._new_refresh(provider, kept["scope"], kept["family"])
        return told

    def _end(self, family: str) -> None:
        """A used refresh token was presented: somebody has a copy, so nobody keeps any."""
        live = self._kept["refresh"]
        self._kept["refresh"] = {token: row for token, row in live.items() if row["family"] != family}
        self._save()

    def _revoked(self, form: Form) -> dict[str, object]:
        self._kept["refresh"].pop(form.get("token", ""), None)
        self._save()
        return {}

    def _access(self, provider: str, scope: str) -> dict[str, object]:
        token = issue(provider, self._now() + self.token_seconds)
        return {"access_token": token, "token_type": "Bearer", "expires_in": self.token_seconds, "scope": scope}

    def _new_refresh(self, provider: str, scope: str, family: str) -> str:
        token = f"emulated-refresh-{secrets.token_urlsafe(32)}"
        self._kept["refresh"][token] = {"provider": provider, "scope": scope, "family": family}
        self._save()
        return token

    def _save(self) -> None:
        self._state.save(self._kept)


_HTML: Final = {"content-type": "text/html; charset=utf-8"}


def _wrong(query: Form) -> str | None:
    """What is wrong with an authorization request that must not be answered with a redirect."""
    where = urlsplit(query.get("redirect_uri", ""))
    if query.get("client_id") != CLIENT[0]:
        return f"No such client; the emulated one is {CLIENT[0]}."
    if where.scheme not in ("http", "https") or where.path != _CALLBACK or where.query or where.fragment:
        return f"The redirect URI is not registered; here each that ends in {_CALLBACK} is."
    if query.get("response_type") != "code" or not query.get("code_challenge"):
        return "Only the authorization code grant with PKCE is served."
    return None if query.get("code_challenge_method") == "S256" else "Only the challenge method S256 is served."


def _basic(scope: Scope) -> dict[str, str]:
    sent = dict(scope["headers"]).get(b"authorization", b"").decode()
    if not sent.startswith("Basic "):
        return {}
    client_id, _, secret = base64.b64decode(sent.removeprefix("Basic ")).decode().partition(":")
    return {"client_id": client_id, "client_secret": secret}


def _description(scope: Scope, provider: str) -> dict[str, object]:
    host = dict(scope["headers"]).get(b"host", b"127.0.0.1").decode()
    issuer = f"{scope.get('scheme', 'http')}://{host}/{provider}"
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "revocation_endpoint": f"{issuer}/revoke",
        "response_types_supported": ["code"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic"],
    }
