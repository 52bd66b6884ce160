"""An OpenID provider with real keys on a loopback socket; what it signs can be made wrong, one thing at a time."""

import base64
import hashlib
import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

from aforo.gateway_sdk.emulator import Receive, Scope, Send, answer, answer_json, read_body
from tests.live import serving

CLIENT = ("aforo", "s3cret/with:marks")
_METHODS = ["RS256", "PS256", "ES256"]
_MADE: dict[str, RSAKey | ECKey] = {}

Key = RSAKey | ECKey
Claims = dict[str, Any]


def key(kid: str, method: str = "ES256") -> RSAKey | ECKey:
    """Made once in a run, since RSA keys take their time."""
    if kid not in _MADE:
        told: Any = {"kid": kid, "use": "sig"}
        _MADE[kid] = ECKey.generate_key("P-256", told) if method == "ES256" else RSAKey.generate_key(2048, told)
    return _MADE[kid]


@dataclass
class Provider:
    """`person` is who signs in there. `claims` and `token` change what is signed, just before and just after."""

    now: Callable[[], float]
    url: str = ""
    person: Claims = field(
        default_factory=lambda: {
            "sub": "248289761001",
            "email": "Ada@acme.example",
            "email_verified": True,
            "name": "Ada Lovelace",
        }
    )
    method: str = "ES256"
    signs: Key = field(default_factory=lambda: key("first"))
    published: list[Claims] | None = None
    claims: Callable[[Claims], Claims] = lambda told: told
    token: Callable[[str], str] = lambda token: token
    redirect: Claims = field(default_factory=dict)
    described: Claims = field(default_factory=dict)
    thin: bool = False
    userinfo_sub: str | None = None
    down: bool = False
    codes: dict[str, Claims] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    form: Claims = field(default_factory=dict)

    def as_new(self) -> None:
        """Everything as it was at first, but for where it is served."""
        vars(self).update({**vars(Provider(self.now)), "url": self.url})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        path, query = scope["path"], dict(parse_qsl(scope["query_string"].decode()))
        form = dict(parse_qsl((await read_body(receive)).decode()))
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.asked.append(path)
        if self.down:
            await answer_json(send, 503, {"error": "temporarily_unavailable"})
        elif path == "/.well-known/openid-configuration":
            await answer_json(send, 200, self._description())
        elif path == "/keys":
            mine = self.published if self.published is not None else [self.signs.as_dict(private=False)]
            await answer_json(send, 200, {"keys": mine})
        elif path == "/authorize":
            await self._authorize(send, scope["method"], query)
        elif path == "/token":
            await answer_json(send, *self._token(form, headers.get("authorization", "")))
        elif path == "/userinfo" and headers.get("authorization") == "Bearer access":
            await answer_json(send, 200, {**self.person, "sub": self.userinfo_sub or self.person["sub"]})
        else:
            await answer_json(send, 404, {"error": "not_found"})

    def back(self, query: Claims) -> str:
        """Where the browser is sent once the person has agreed."""
        code = secrets.token_urlsafe(16)
        self.codes[code] = query
        told = {"code": code, "state": query["state"], **self.redirect}
        return f"{query['redirect_uri']}?{urlencode({name: text for name, text in told.items() if text is not None})}"

    async def _authorize(self, send: Send, method: str, query: Claims) -> None:
        if method == "POST":
            await answer(send, 303, b"", {"location": self.back(query)})
            return
        page = '<!doctype html><html lang="en"><title>Acme ID</title><h1>Acme ID</h1><form method="post">'
        html = {"content-type": "text/html; charset=utf-8"}
        await answer(send, 200, f"{page}<button>Continue as Ada</button></form></html>".encode(), html)

    def _description(self) -> Claims:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "end_session_endpoint": f"{self.url}/leave",
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            **self.described,
        }

    def _token(self, form: Claims, authorization: str) -> tuple[int, Claims]:
        self.form = form
        pair = base64.b64encode(urlencode({CLIENT[0]: CLIENT[1]}).replace("=", ":").encode()).decode()
        if authorization != f"Basic {pair}":
            return 401, {"error": "invalid_client"}
        asked = self.codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        proof = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if asked is None or asked["code_challenge"] != proof or asked["redirect_uri"] != form.get("redirect_uri"):
            return 400, {"error": "invalid_grant"}
        return 200, {"access_token": "access", "token_type": "Bearer", "id_token": self._id_token(asked)}

    def _id_token(self, asked: Claims) -> str:
        now = int(self.now())
        standing = {"iss": self.url, "aud": CLIENT[0], "iat": now, "exp": now + 300, "nonce": asked["nonce"]}
        person = {"sub": self.person["sub"]} if self.thin else self.person
        return self.token(self.signed(self.claims({**standing, **person})))

    def signed(self, claims: Claims) -> str:
        head = {"alg": self.method, **({"kid": self.signs.kid} if self.signs.kid else {})}
        return jws.serialize_compact(head, json.dumps(claims), self.signs, _METHODS)


@contextmanager
def provider(now: Callable[[], float]) -> Iterator[Provider]:
    """Served until the end of the block."""
    made = Provider(now)
    with serving(made) as made.url:
        yield made
