"""Signing in by a person's consent: whose answer counts and how often, and what becomes of it later."""

import asyncio
import base64
import hashlib
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr

from aforo.accounts import SESSION_COOKIE, Role
from aforo.app.oauth_emulator import OAuthEmulator
from aforo.gateway_sdk.emulator import Fault, StateFile
from aforo.integrations import Health
from aforo.integrations.model import TestResult
from aforo.kit.clock import HandClock
from aforo.kit.errors import Conflict
from tests.console.visiting import Visitor, visiting
from tests.integrations.consenting import (
    PLACES,
    approved,
    back,
    connected,
    consent_page,
    consenting,
    of_query,
    provider,
    saved,
    settings_of,
)
from tests.live import emulated


def _seconds(clock: HandClock) -> Callable[[], float]:
    return lambda: clock.now().timestamp()


async def _health(visitor: Visitor, integration_id: str) -> Health:
    running = visitor.running
    return (await running.rooms.integrations.get(running.tenant_id, integration_id)).vitals.health


async def _last_test(visitor: Visitor, integration_id: str) -> TestResult | None:
    """As soon as there is one: the page waits a while for it, and then lets it go on."""
    for _ in range(200):
        one = await visitor.running.rooms.integrations.get(visitor.running.tenant_id, integration_id)
        if one.last_test is not None:
            return one.last_test
        await asyncio.sleep(0.05)
    return None


@pytest.mark.parametrize("gateway", PLACES)
async def test_a_person_consents_and_the_connection_works(gateway: str, tmp_path: Path) -> None:
    with provider() as at, emulated(gateway) as there:
        async with consenting(tmp_path, at) as visitor:
            integration_id = await saved(visitor, gateway, *settings_of(there))
            assert "One step is left" in (await visitor.get(f"/integrations/{integration_id}/setup")).text
            seen = await back(visitor, await approved(visitor, await consent_page(visitor, integration_id)))
            assert seen.path == f"/integrations/{integration_id}/test"
            told = await _last_test(visitor, integration_id)
            assert told is not None
            assert told.passed, told
            plan = await visitor.running.preview(integration_id)
            assert len(plan["changes"]) == 12


async def test_an_admin_api_behind_an_openid_provider_is_reached_with_consent(tmp_path: Path) -> None:
    with provider() as at, emulated("kong", bearers=True) as kong:
        async with consenting(tmp_path, at) as visitor:
            settings = {
                "admin_url": kong.url,
                "issuer": f"{at.url}/oidc",
                "client_id": "aforo-emulated",
                "client_secret": "emulated-client-secret",
            }
            integration_id = await connected(visitor, "kong", "oidc", settings)
            assert await _health(visitor, integration_id) is Health.HEALTHY
            plan = await visitor.running.preview(integration_id)
            assert len(plan["changes"]) == 12


async def test_an_admin_api_behind_a_proxy_is_reached_with_client_credentials(tmp_path: Path) -> None:
    with provider() as at, emulated("kong", bearers=True) as kong:
        async with consenting(tmp_path, at) as visitor:
            settings = {
                "admin_url": kong.url,
                "token_url": f"{at.url}/oidc/token",
                "client_id": "aforo-emulated",
                "client_secret": "emulated-client-secret",
            }
            body = {"name": "k", "gateway": "kong", "signIn": "client_credentials", "settings": settings}
            made = await visitor.running.call("POST", "/api/v1/integrations", body, 201)
            assert made["lastTest"]["passed"], made["lastTest"]
            assert at.board.calls["POST /oidc/token"] == 1


async def test_a_state_is_good_once(tmp_path: Path) -> None:
    with provider() as at, emulated("apigee") as there:
        async with consenting(tmp_path, at) as visitor:
            integration_id = await saved(visitor, "apigee", *settings_of(there))
            where = await approved(visitor, await consent_page(visitor, integration_id))
            assert (await back(visitor, where)).status == 200
            again = await back(visitor, where)
            assert again.status == 409
            assert "consent_state_unknown" in again.html
            assert at.board.calls["POST /google/token"] == 2, "an exchange, and the test's renewal"


async def test_a_state_that_nobody_began_is_refused(tmp_path: Path) -> None:
    with provider() as at:
        async with consenting(tmp_path, at) as visitor:
            for query in ("state=made-up&code=c", "code=c", "state=&code=c", "state=made-up&error=access_denied"):
                seen = await visitor.get(f"/api/v1/oauth/callback?{query}")
                assert seen.status == 409
                assert "consent_state_unknown" in seen.html
            assert at.board.log == []


async def test_another_persons_state_is_refused_and_used_up(tmp_path: Path) -> None:
    with provider() as at, emulated("apigee") as there:
        async with consenting(tmp_path, at) as visitor:
            accounts = visitor.running.rooms.accounts
            integration_id = await saved(visitor, "apigee", *settings_of(there))
            where = await approved(visitor, await consent_page(visitor, integration_id))
            other_tenant = (await accounts.create_tenant("other", "Other")).id
            cookie = await accounts.sign_in(await accounts.sign_in_token(other_tenant))
            mine = visitor.http.cookies[SESSION_COOKIE]
            visitor.http.cookies.clear()
            visitor.http.cookies.set(SESSION_COOKIE, cookie)
            assert (await back(visitor, where)).status == 409
            visitor.http.cookies.clear()
            visitor.http.cookies.set(SESSION_COOKIE, mine)
            assert (await back(visitor, where)).status == 409
            assert at.board.calls["POST /google/token"] == 0


async def test_a_colleagues_state_is_refused(tmp_path: Path) -> None:
    with provider() as at, emulated("apigee") as there:
        async with consenting(tmp_path, at) as visitor:
            room, tenant_id = visitor.running.rooms.integrations, visitor.running.tenant_id
            sign_in, settings = settings_of(there)
            made = await room.create(tenant_id, "a", "apigee", sign_in, settings)
            page = await room.start_consent(tenant_id, made.id, "usr_colleague")
            assert (await back(visitor, await approved(visitor, page))).status == 409
            assert at.board.calls["POST /google/token"] == 0


async def test_a_state_is_of_one_tenant_and_of_the_settings_it_was_begun_with(tmp_path: Path) -> None:
    with provider() as at, emulated("apigee") as there:
        async with consenting(tmp_path, at) as visitor:
            room, tenant_id = visitor.running.rooms.integrations, visitor.running.tenant_id
            made = await room.create(tenant_id, "a", "apigee", *settings_of(there))
            page = await room.start_consent(tenant_id, made.id, "usr_x")
            with pytest.raises(Conflict, match="belongs to no sign-in of yours"):
                await room.take_consent("ten_other", "usr_x", of_query(page, "state"))
            where = await approved(visitor, await room.start_consent(tenant_id, made.id, "usr_x"))
            one, under_way = await room.take_consent(tenant_id, "usr_x", of_query(where, "state"))
            await room.change(tenant_id, made.id, values={"organization": "another"})
            with pytest.raises(Conflict, match="belongs to no sign-in of yours"):
                await room.finish_consent(one, under_way, {"code": of_query(where, "code")}, "X")
            assert not (await room.get(tenant_id, made.id)).secret_hints


@pytest.mark.parametrize(("minutes", "status"), [(9.9, 200), (10, 409)])
async def test_a_state_is_good_for_ten_minutes(minutes: float, status: int, tmp_path: Path) -> None:
    clock = HandClock(datetime.now(UTC))
    with provider() as at, emulated("apigee") as there:
        async with consenting(tmp_path, at, clock) as visitor:
            integration_id = await saved(visitor, "apigee", *settings_of(there))
            where = await approved(visitor, await consent_page(visitor, integration_id))
            clock.forward(minutes * 60)
            assert (await back(visitor, where)).status == status


async def test_an_answer_for_settings_that_have_changed_meanwhile_is_refused(tmp_path: Path) -> None:
    with provider() as at, emulated("apigee") as there:
        async with consenting(tmp_path, at) as visitor:
            integration_id = await saved(visitor, "apigee", *settings_of(there))
            where = await approved(visitor, await consent_page(visitor, integration_id))
            change = {"settings": {"organization": "another"}}
            await visitor.running.call("PATCH", f"/api/v1/integrations/{integration_id}", change)
            assert (await back(visitor, where)).status == 409


async def test_a_viewer_cannot_begin(tmp_path: Path) -> None:
    with provider() as at, emulated("apigee") as there:
        async with consenting(tmp_path, at) as visitor:
            integration_id = await saved(visitor, "apigee", *settings_of(there))
            await visitor.become(Role.VIEWER)
            assert (await visitor.get(f"/api/v1/integrations/{integration_id}/oauth/start")).status == 403


async def test_the_verifier_never_leaves_before_the_exchange_and_fits_its_challenge(tmp_path: Path) -> None:
    """RFC 7636: the emulator refuses any other verifier, and so it would a code that somebody else has caught."""
    with provider() as at, emulated("apigee") as there:
        async with consenting(tmp_path, at) as visitor:
            integration_id = await saved(visitor, "apigee", *settings_of(there))
            page = await consent_page(visitor, integration_id)
            assert of_query(page, "code_challenge_method") == "S256"
            where = await approved(visitor, page)
            at.emulator._kept["codes"][of_query(where, "code")]["code_challenge"] = _challenge("another verifier")
            seen = await back(visitor, where)
            assert seen.status == 502
            assert "Google no longer accepts" in seen.text


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


@pytest.mark.long
async def test_a_hundred_calls_at_once_renew_once_and_keep_the_newer_refresh_token(tmp_path: Path) -> None:
    clock = HandClock(datetime.now(UTC))
    with (
        provider(now=lambda: clock.now().timestamp()) as at,
        emulated("apigee", now=lambda: clock.now().timestamp()) as there,
    ):
        async with consenting(tmp_path, at, clock) as visitor:
            integration_id = await connected(visitor, "apigee", *settings_of(there))
            room, tenant_id = visitor.running.rooms.integrations, visitor.running.tenant_id
            for _ in range(3):  # the emulator ends a consent whose used refresh token it sees again
                before = at.emulator.refreshes
                clock.forward(3400)
                told = await asyncio.gather(*(room.check_health(tenant_id, integration_id) for _ in range(100)))
                assert set(told) == {Health.HEALTHY}
                assert at.emulator.refreshes - before == 1


async def test_consent_that_was_withdrawn_is_an_error_until_somebody_reconnects(tmp_path: Path) -> None:
    clock = HandClock(datetime.now(UTC))
    with (
        provider(now=lambda: clock.now().timestamp()) as at,
        emulated("apigee", now=lambda: clock.now().timestamp()) as there,
    ):
        async with consenting(tmp_path, at, clock) as visitor:
            integration_id = await connected(visitor, "apigee", *settings_of(there))
            room, tenant_id = visitor.running.rooms.integrations, visitor.running.tenant_id
            at.emulator.revoke_all()
            clock.forward(3400)
            assert await room.check_health(tenant_id, integration_id) is Health.ERROR
            one = await room.get(tenant_id, integration_id)
            assert one.vitals.last_error_code == "reconnect_needed"
            assert one.vitals.breaker.state.value == "CLOSED"
            page = await visitor.get(f"/integrations/{integration_id}")
            assert "Reconnect" in page.text
            await back(visitor, await approved(visitor, await consent_page(visitor, integration_id)))
            assert await _health(visitor, integration_id) is Health.HEALTHY


@pytest.mark.parametrize(
    ("gateway", "told", "words", "step"),
    [
        (
            "apigee",
            '{"error":"invalid_grant","error_subtype":"invalid_rapt","error_description":"reauth related error"}',
            "session control",
            "service account",
        ),
        ("apigee", '{"error":"invalid_grant","error_description":"Bad Request"}', "7 days", "In production"),
        (
            "azure",
            '{"error":"invalid_grant","error_description":"AADSTS65001: no"}',
            "Nobody has consented",
            "/adminconsent?client_id=",
        ),
        (
            "azure",
            '{"error":"invalid_grant","error_description":"AADSTS50173: gone"}',
            "withdrawn",
            "Reconnect",
        ),
        ("mulesoft", '{"error":"invalid_scope"}', "lacks a scope", "Background Access"),
    ],
)
async def test_a_providers_refusal_is_told_in_words_with_the_way_out(
    gateway: str, told: str, words: str, step: str, tmp_path: Path
) -> None:
    with provider() as at, emulated(gateway) as there:
        async with consenting(tmp_path, at) as visitor:
            integration_id = await connected(visitor, gateway, *settings_of(there))
            key = {"apigee": "google", "azure": "entra"}.get(gateway, gateway)
            at.board.faults.append(Fault(400, times=9, path=f"/{key}/", method="POST", body=told))
            result = await visitor.running.call("POST", f"/api/v1/integrations/{integration_id}/test")
            failure = next(check for check in result["checks"] if check["verdict"] == "FAILED")
            assert words in failure["detail"]
            assert step in failure["nextStep"]


@pytest.mark.parametrize(
    ("gateway", "error", "words"),
    [
        ("apigee", ("access_denied", ""), "declined at Google"),
        ("apigee", ("admin_policy_enforced", ""), "Workspace administrator"),
        ("azure", ("access_denied", "AADSTS65001: The user or administrator has not consented"), "adminconsent"),
        ("azure", ("consent_required", "AADSTS90094: admin"), "only an administrator"),
        ("mulesoft", ("invalid_scope", "scope full is not allowed"), "Full Access"),
    ],
)
async def test_what_the_provider_comes_back_with_is_a_page_with_the_next_step(
    gateway: str, error: tuple[str, str], words: str, tmp_path: Path
) -> None:
    with provider() as at, emulated(gateway) as there:
        at.emulator.refuses = error
        async with consenting(tmp_path, at) as visitor:
            integration_id = await saved(visitor, gateway, *settings_of(there))
            seen = await back(visitor, await approved(visitor, await consent_page(visitor, integration_id)))
            assert seen.status == 409
            assert words in seen.text
            assert f"/integrations/{integration_id}/setup" in seen.html


async def test_consent_without_a_refresh_token_is_not_taken(tmp_path: Path) -> None:
    with provider(offline=False) as at, emulated("apigee") as there:
        async with consenting(tmp_path, at) as visitor:
            integration_id = await saved(visitor, "apigee", *settings_of(there))
            seen = await back(visitor, await approved(visitor, await consent_page(visitor, integration_id)))
            assert "gave no refresh token" in seen.text
            assert not visitor.running.rooms.integrations.is_complete(
                await visitor.running.rooms.integrations.get(visitor.running.tenant_id, integration_id)
            )


async def test_a_stored_consent_does_not_go_to_a_new_address(tmp_path: Path) -> None:
    with provider() as at, emulated("apigee") as there:
        async with consenting(tmp_path, at) as visitor:
            integration_id = await connected(visitor, "apigee", *settings_of(there))
            change = {"settings": {"api_url": "http://127.0.0.1:9"}}
            await visitor.running.call("PATCH", f"/api/v1/integrations/{integration_id}", change)
            room = visitor.running.rooms.integrations
            with pytest.raises(Conflict, match="Consent is not given"):
                async with room.open(visitor.running.tenant_id, integration_id):
                    pass


async def test_a_consent_cannot_be_typed(tmp_path: Path) -> None:
    with provider() as at, emulated("apigee") as there:
        async with consenting(tmp_path, at) as visitor:
            sign_in, settings = settings_of(there)
            body = {"name": "a", "gateway": "apigee", "signIn": sign_in, "settings": {**settings, "refresh_token": "x"}}
            told = await visitor.running.call("POST", "/api/v1/integrations", body, 422)
            assert told["errors"][0]["pointer"] == "/settings/refresh_token"


async def test_where_settings_are_missing_the_way_is_shown_with_the_reason(tmp_path: Path) -> None:
    async with visiting(tmp_path, public_url="http://aforo.test") as visitor:
        ways = await visitor.get("/integrations/new?gateway=apigee")
        assert "Not usable yet: Aforo is not registered at Google yet." in ways.text
        form = await visitor.get("/integrations/new?gateway=apigee&sign_in=google")
        assert "AFORO_GOOGLE_CLIENT_ID" in form.text
        assert "http://aforo.test/api/v1/oauth/callback" in form.text
        told = await visitor.running.call("GET", "/api/v1/gateways")
        apigee = next(one for one in told["data"] if one["key"] == "apigee")
        assert "AFORO_GOOGLE_CLIENT_ID" in next(one["unusableBecause"] for one in apigee["signIns"] if one["consentAt"])


async def test_with_settings_the_browser_is_sent_to_the_vendor_itself(tmp_path: Path) -> None:
    registered: dict[str, Any] = {
        "google_client_id": "ours",
        "google_client_secret": SecretStr("planted-client-secret"),
    }
    async with visiting(tmp_path, public_url="https://aforo.example", **registered) as visitor:
        room, tenant_id = visitor.running.rooms.integrations, visitor.running.tenant_id
        made = await room.create(tenant_id, "a", "apigee", "google", {"organization": "acme"})
        page = await room.start_consent(tenant_id, made.id, "usr_x")
        assert page.startswith("https://accounts.google.com/o/oauth2/v2/auth?")
        assert of_query(page, "redirect_uri") == "https://aforo.example/api/v1/oauth/callback"
        assert (of_query(page, "client_id"), of_query(page, "access_type")) == ("ours", "offline")
        assert "planted" not in page


async def test_code_tokens_and_secrets_are_found_in_no_page_log_or_file(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("aiosqlite").setLevel(logging.WARNING)
    with provider() as at, emulated("apigee") as there:
        async with consenting(tmp_path, at) as visitor:
            integration_id = await saved(visitor, "apigee", *settings_of(there))
            page = await consent_page(visitor, integration_id)
            where = await approved(visitor, page)
            code, state = of_query(where, "code"), of_query(where, "state")
            answer = await visitor.http.get(where, follow_redirects=False)
            assert answer.headers["referrer-policy"] == "no-referrer"
            shown = [answer.headers["location"], answer.text]
            pages = ("", "/setup", "/test", "/settings")
            shown += [(await visitor.get(f"/integrations/{integration_id}{one}")).html for one in pages]
            shown += [(await visitor.running.http.get(path)).text for path in ("/api/v1/integrations", "/api/v1/audit")]
            refresh = list(at.emulator._kept["refresh"]) + list(at.emulator._kept["used"])
            files = b"".join(path.read_bytes() for path in (tmp_path / "var").rglob("*") if path.is_file())
    planted = [code, state, "emulated-client-secret", "emulated.google.", *refresh]
    assert len(refresh) >= 2
    assert [one for one in planted if any(one in text for text in shown)] == []
    assert [one for one in planted if one.encode() in files] == []
    ours = "\n".join(row.getMessage() for row in caplog.records if row.name.startswith("aforo"))
    assert [one for one in planted if one in ours] == []


async def test_the_emulator_keeps_its_promises_of_single_use_and_rotation() -> None:
    app = OAuthEmulator(StateFile())
    secret = {"client_id": "aforo-emulated", "client_secret": "emulated-client-secret"}
    query = {
        "response_type": "code",
        "client_id": "aforo-emulated",
        "redirect_uri": "http://aforo.test/api/v1/oauth/callback",
        "code_challenge": _challenge("v"),
        "code_challenge_method": "S256",
    }
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://oauth") as http:
        given = await http.post("/google/authorize", params=query, data={"decision": "approve"})
        form = {**secret, "grant_type": "authorization_code", "code": of_query(given.headers["location"], "code")}
        exchange = {**form, "redirect_uri": query["redirect_uri"], "code_verifier": "v"}
        first = (await http.post("/google/token", data=exchange)).json()["refresh_token"]
        assert (await http.post("/google/token", data=exchange)).status_code == 400
        renew = {**secret, "grant_type": "refresh_token"}
        second = (await http.post("/google/token", data={**renew, "refresh_token": first})).json()["refresh_token"]
        assert (await http.post("/google/token", data={**renew, "refresh_token": first})).status_code == 400
        assert (await http.post("/google/token", data={**renew, "refresh_token": second})).status_code == 400
        assert (
            await http.get("/google/authorize", params={**query, "redirect_uri": "http://evil/"})
        ).status_code == 400
        assert (
            await http.get("/google/authorize", params={**query, "code_challenge_method": "plain"})
        ).status_code == 400
