"""What an identity provider, or somebody who pretends to be one, cannot sign in with."""

import base64
import hmac
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio

from aforo.accounts import SESSION_COOKIE
from tests.accounts.oidc.company import COOKIE, Company, company
from tests.accounts.oidc.provider import Claims, key

pytestmark = pytest.mark.asyncio(loop_scope="module")

Change = Callable[[Claims], Claims]


def but(**told: Any) -> Change:
    """The claims with these in place of theirs; None takes one away."""
    return lambda claims: {name: one for name, one in (claims | told).items() if one is not None}


def later(name: str, seconds: int) -> Change:
    return lambda claims: claims | {name: claims["iat"] + seconds}


WRONG: Final = (
    (but(iss="https://evil.example"), "it comes from another issuer"),
    (but(aud="another"), "it was made for another application"),
    (but(aud=["aforo", "another"]), "it was made for another application"),
    (but(azp="another"), "it was made for another application"),
    (but(aud=["another"], azp="aforo"), "it was made for another application"),
    (but(nonce="another"), "it belongs to another sign-in"),
    (but(nonce=None), "it belongs to another sign-in"),
    (but(sub=""), "it names nobody"),
    (but(sub=7), "it names nobody"),
    (but(exp=None), "it does not say when it was made"),
    (but(iat=None), "it does not say when it was made"),
    (but(exp="never"), "it does not say when it was made"),
    (later("exp", -60), "had ended 60 s before it arrived"),
    (later("iat", 61), "made 61 s in the future"),
    (later("nbf", 61), "made 61 s in the future"),
)
RIGHT: Final = (later("exp", -59), later("iat", 60), but(azp="aforo"), but(aud=["aforo", "another"], azp="aforo"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Company]:
    """For all tests of this module that need no setting of their own: refusals leave nothing behind."""
    async with company(tmp_path_factory.mktemp("company")) as made:
        await made.invite()
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def one(shared: Company) -> AsyncIterator[Company]:
    """With a provider as at first, of whose description and keys nothing is kept any more."""
    shared.at.as_new()
    shared.clock.forward(3_600)
    async with shared.browser() as shared.http:
        yield shared


async def test_a_token_with_one_wrong_claim_signs_nobody_in(one: Company) -> None:
    for one.at.claims, words in WRONG:
        await one.is_refused(words)


async def test_a_clock_may_be_a_minute_off_and_an_authorized_party_may_be_named(one: Company) -> None:
    for one.at.claims in RIGHT:
        await one.is_let_in()


async def test_the_three_public_key_methods_are_accepted_and_their_wrong_signatures_are_not(one: Company) -> None:
    for method in ("RS256", "PS256", "ES256"):
        one.at.method, one.at.signs = method, key("first" if method == "ES256" else "rsa", method)
        one.at.token = _touched
        await one.is_refused("its signature is not right")
        one.at.token = lambda token: token
        await one.is_let_in()


async def test_a_key_of_the_same_name_that_the_provider_does_not_publish_signs_nobody_in(one: Company) -> None:
    one.at.published = [one.at.signs.as_dict(private=False)]
    one.at.signs = key("stranger")
    await one.is_refused("a key that the provider does not publish")
    named = {**one.at.published[0], "kid": "stranger"}
    one.at.published = [named]
    await one.is_refused("its signature is not right")


async def test_a_token_without_a_signature_signs_nobody_in(one: Company) -> None:
    one.at.token = lambda token: f"{_part({'alg': 'none', 'kid': 'first'})}.{token.split('.')[1]}."
    await one.is_refused("signed with 'none'")


async def test_no_public_text_serves_as_a_secret_key(one: Company) -> None:
    """The public key itself, as PEM, and a symmetric key that a careless provider publishes."""
    one.at.token = lambda token: _by_secret(token, key("first").as_pem(private=False))
    await one.is_refused("signed with 'HS256'")
    one.at.published = [
        {"kty": "oct", "kid": "first", "use": "sig", "k": _text(b"a secret of 32 bytes and a few more")}
    ]
    one.at.token = lambda token: _by_secret(token, b"a secret of 32 bytes and a few more")
    await one.is_refused("signed with 'HS256'")


async def test_new_keys_are_read_when_a_token_names_one_and_keys_that_are_known_are_not(one: Company) -> None:
    for signs, reads in (("first", 1), ("first", 1), ("second", 2), ("second", 2)):
        one.at.signs = key(signs)
        await one.is_let_in()
        assert one.at.asked.count("/keys") == reads
    one.clock.forward(3_600)
    one.at.published = []
    await one.is_refused("a key that the provider does not publish")


async def test_an_answer_is_good_once_even_with_the_cookie_kept(one: Company) -> None:
    asked = await one.start()
    cookie = one.http.cookies[COOKIE]
    assert (await one.back(asked)).status_code == 303
    async with one.browser() as thief:
        thief.cookies.set(COOKIE, cookie)
        again = await one.back(asked, thief)
    assert (again.status_code, SESSION_COOKIE in again.cookies) == (401, False)
    assert "was finished before" in again.text


async def test_an_answer_belongs_to_the_browser_that_asked(one: Company) -> None:
    asked = await one.start()
    async with one.browser() as other:
        await _is_stale(await one.back(asked, other))
        await other.get("/sign-in/oidc/start")
        await _is_stale(await one.back(asked, other))
        other.cookies.set(COOKIE, "not sealed by us")
        await _is_stale(await one.back(asked, other))
    assert (await one.back(asked)).status_code == 303


async def test_an_answer_after_ten_minutes_is_too_late(one: Company) -> None:
    asked = await one.start()
    one.clock.forward(601)
    answer = await one.back(asked)
    assert (answer.status_code, "took longer than 10 minutes" in answer.text) == (401, True)


async def test_who_answers_is_checked_where_the_provider_says_so_and_wherever_it_is_told(one: Company) -> None:
    one.at.redirect = {"iss": "https://evil.example"}
    await one.is_refused("does not come from Acme ID")
    one.clock.forward(3_600)
    one.at.described, one.at.redirect = {"authorization_response_iss_parameter_supported": True}, {}
    await one.is_refused("does not come from Acme ID")
    one.at.redirect = {"iss": "https://evil.example"}
    await one.is_refused("does not come from Acme ID")
    one.at.redirect = {"iss": one.at.url}
    assert (await one.sign_in()).status_code == 303


async def test_a_no_of_the_provider_is_told_in_words(one: Company) -> None:
    one.at.redirect = {"error": "access_denied", "code": None}
    await one.is_refused("Acme ID did not let you through")
    one.at.redirect = {"error": "<b>server</b>_error", "code": None}
    await one.is_refused("Acme ID refused the sign-in (bserverb_error)")
    one.at.redirect = {"code": None}
    await one.is_refused("Acme ID sent no code")
    one.at.redirect = {"code": "made up"}
    await one.is_refused("Acme ID refused the sign-in (invalid_grant)")


async def test_a_wrong_client_secret_names_the_setting_and_never_the_secret(tmp_path: Path) -> None:
    async with company(tmp_path, oidc_client_secret="wrong-and-secret") as one:
        await one.is_refused("must set AFORO_OIDC_CLIENT_ID and AFORO_OIDC_CLIENT_SECRET")
        assert "wrong-and-secret" not in (await one.sign_in()).text


async def test_a_provider_that_is_down_leaves_the_other_ways_in(tmp_path: Path) -> None:
    async with company(tmp_path) as one:
        one.at.down = True
        answer = await one.http.get("/sign-in/oidc/start")
        assert (answer.status_code, "Acme ID answers 503" in answer.text) == (503, True)
        assert 'name="password"' in answer.text
        one.at.down = False
        asked = await one.start()
        one.at.down = True
        assert (await one.back(asked)).status_code == 503
    async with company(tmp_path / "gone", oidc_issuer="http://127.0.0.1:1") as one:
        answer = await one.http.get("/sign-in/oidc/start")
        assert (answer.status_code, "Acme ID does not answer" in answer.text) == (503, True)


async def test_a_description_of_another_issuer_or_without_tls_is_not_followed(one: Company) -> None:
    for told in (
        {"issuer": "https://evil.example"},
        {"token_endpoint": "http://evil.example/token"},
        {"jwks_uri": None},
    ):
        one.at.described = told
        assert (await one.http.get("/sign-in/oidc/start")).status_code == 503


async def test_an_issuer_elsewhere_needs_tls(tmp_path: Path) -> None:
    async with company(tmp_path, oidc_issuer="http://login.acme.example") as one:
        assert "AFORO_OIDC_ISSUER must begin with https://" in (await one.http.get("/sign-in")).text


async def _is_stale(answer: Any) -> None:
    assert (answer.status_code, SESSION_COOKIE in answer.cookies) == (401, False)
    assert "was not begun in this browser" in answer.text


def _touched(token: str) -> str:
    """The same signature under other claims."""
    head, body, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    return f"{head}.{_part({**claims, 'email': 'admin@acme.example'})}.{signature}"


def _by_secret(token: str, secret: bytes) -> str:
    said = f"{_part({'alg': 'HS256', 'kid': 'first'})}.{token.split('.')[1]}"
    return f"{said}.{_text(hmac.digest(secret, said.encode(), 'sha256'))}"


def _part(told: Claims) -> str:
    return _text(json.dumps(told).encode())


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
