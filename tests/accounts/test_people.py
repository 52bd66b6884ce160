"""People: invited, signed in by password, given roles, shut out; and guessing at passwords is slow."""

from pathlib import Path
from typing import Any

import httpx2
import pytest

from aforo.accounts import SESSION_COOKIE, Role
from aforo.kit.clock import HandClock
from tests.console.visiting import Visitor, visiting
from tests.live import Aforo

GOOD = "a sentence is long enough"
OWN = {"Origin": "http://aforo.test"}


async def invited(me: Visitor, email: str = "ada@acme.example", role: str = "operator") -> dict[str, Any]:
    new = {"name": "Ada", "email": email, "role": role}
    made: dict[str, Any] = await me.running.call("POST", "/api/v1/users", new, 201)
    return made


def browser(me: Visitor) -> httpx2.AsyncClient:
    """Another person's browser on the same console."""
    transport = me.http._transport
    return httpx2.AsyncClient(transport=transport, base_url="http://aforo.test", headers={"accept": "text/html"})


async def signed_in(http: httpx2.AsyncClient, made: dict[str, Any], password: str = GOOD) -> None:
    """By the invitation's link; then a password is set."""
    path = made["signInUrl"].removeprefix("http://127.0.0.1:8080")
    assert (await http.get(path)).status_code == 303
    page = (await http.get("/settings/profile")).text
    token = page.split('name="csrf_token" value="')[1].split('"')[0]
    form = {"csrf_token": token, "password": password}
    assert (await http.post("/settings/profile", data=form)).status_code == 303


async def by_password(running: Aforo, http: httpx2.AsyncClient, email: str, password: str) -> httpx2.Response:
    del running
    return await http.post("/sign-in", data={"email": email, "password": password}, headers=OWN)


async def test_an_invited_person_signs_in_once_by_link_then_by_password_with_their_role(tmp_path: Path) -> None:
    async with visiting(tmp_path) as me, browser(me) as ada, browser(me) as again:
        made = await invited(me)
        await signed_in(ada, made)
        assert (await again.get(made["signInUrl"].removeprefix("http://127.0.0.1:8080"))).status_code == 401
        answer = await by_password(me.running, again, " ADA@acme.example ", GOOD)
        assert (answer.status_code, SESSION_COOKIE in answer.cookies) == (303, True)
        assert (await again.get("/settings/users")).status_code == 403
        assert "operator" in (await again.get("/settings/profile")).text
        (shown,) = [one for one in (await me.running.call("GET", "/api/v1/users"))["data"] if one["id"] == made["id"]]
        assert (shown["hasPassword"], shown["role"]) == (True, "operator")


async def test_a_wrong_password_and_an_unknown_address_read_the_same(tmp_path: Path) -> None:
    async with visiting(tmp_path, HandClock()) as me, browser(me) as ada:
        await signed_in(ada, await invited(me))
        async with browser(me) as other:
            wrong = await by_password(me.running, other, "ada@acme.example", "not this sentence")
            nobody = await by_password(me.running, other, "nobody@acme.example", "not this sentence")
        assert wrong.status_code == nobody.status_code == 401
        assert wrong.text.replace("ada@", "x@") == nobody.text.replace("nobody@", "x@")


async def test_after_five_failures_even_the_right_password_waits_a_quarter_of_an_hour(tmp_path: Path) -> None:
    clock = HandClock()
    async with visiting(tmp_path, clock) as me, browser(me) as ada, browser(me) as other:
        await signed_in(ada, await invited(me))
        for _ in range(5):
            assert (await by_password(me.running, other, "ada@acme.example", "guess " * 3)).status_code == 401
        refused = await by_password(me.running, other, "ada@acme.example", GOOD)
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "901")
        clock.forward(seconds=900)
        assert (await by_password(me.running, other, "ada@acme.example", GOOD)).status_code == 303


async def test_a_new_password_ends_the_other_sessions_and_needs_the_old_one(tmp_path: Path) -> None:
    async with visiting(tmp_path) as me, browser(me) as ada, browser(me) as thief:
        await signed_in(ada, await invited(me))
        await by_password(me.running, thief, "ada@acme.example", GOOD)
        page = (await ada.get("/settings/profile")).text
        token = page.split('name="csrf_token" value="')[1].split('"')[0]
        form = {"csrf_token": token, "password": "another long sentence"}
        assert "The current password is not right." in (await ada.post("/settings/profile", data=form)).text
        before = ada.cookies[SESSION_COOKIE]
        assert (await ada.post("/settings/profile", data=form | {"current": GOOD})).status_code == 303
        assert ada.cookies[SESSION_COOKIE] != before, "the session is exchanged as well"
        assert (await ada.get("/settings/profile")).status_code == 200
        assert (await thief.get("/settings/profile")).status_code == 303


@pytest.mark.parametrize("password", ["short", "aaaaaaaaaaaaaaaaaaaa", "x" * 300])
async def test_a_password_that_is_soon_guessed_is_refused_in_words(tmp_path: Path, password: str) -> None:
    async with visiting(tmp_path) as me, browser(me) as ada:
        path = (await invited(me))["signInUrl"].removeprefix("http://127.0.0.1:8080")
        await ada.get(path)
        token = (await ada.get("/settings/profile")).text.split('name="csrf_token" value="')[1].split('"')[0]
        refused = await ada.post("/settings/profile", data={"csrf_token": token, "password": password})
        assert refused.status_code == 422
        assert "The new password must have" in refused.text
        assert password not in refused.text or password == "short"


async def test_who_is_shut_out_is_out_at_once_and_the_last_administrator_stays(tmp_path: Path) -> None:
    async with visiting(tmp_path) as me, browser(me) as ada:
        made = await invited(me)
        await signed_in(ada, made)
        await me.running.call("PATCH", f"/api/v1/users/{made['id']}", {"disabled": True})
        assert (await ada.get("/settings/profile")).status_code == 303
        assert (await by_password(me.running, ada, "ada@acme.example", GOOD)).status_code == 401
        await me.running.call("POST", f"/api/v1/users/{made['id']}/sign-in-link", status=409)
        (admin,) = [one for one in (await me.running.call("GET", "/api/v1/users"))["data"] if one["role"] == "admin"]
        for patch in ({"disabled": True}, {"role": "viewer"}):
            await me.running.call("PATCH", f"/api/v1/users/{admin['id']}", patch, 409)
        await me.running.call("POST", "/api/v1/users", {"name": "B", "email": "ADA@acme.example"}, 409)
        await me.running.call("PATCH", "/api/v1/users/usr_none", {"role": "viewer"}, 404)


async def test_people_and_keys_are_kept_on_pages_and_only_administrators_see_them(tmp_path: Path) -> None:
    async with visiting(tmp_path) as me:
        done = await me.post("/settings/users", {"name": "Bob", "email": "bob@acme.example", "role": "finance"})
        assert "Sign-in link for Bob" in done.text
        twice = await me.post("/settings/users", {"name": "Bob", "email": "bob@acme.example", "role": "finance"})
        assert (twice.status, "Somebody signs in with this address already." in twice.text) == (422, True)
        made = await me.post(
            "/settings/api-keys", {"name": "ci", "scopes": ["usage:ingest"], "networks": "10.1.2.3 192.168.0.0/16"}
        )
        assert "You will not see it again." in made.text
        assert "10.1.2.3/32" in made.text
        wrong = await me.post("/settings/api-keys", {"name": "ci", "scopes": ["usage:ingest"], "networks": "home"})
        assert (wrong.status, "must look like 10.0.0.0/8" in wrong.text) == (422, True)
        await me.become(Role.OPERATOR)
        for path in ("/settings/users", "/settings/api-keys", "/audit", "/audit.csv"):
            assert (await me.get(path)).status == 403, path


async def test_a_key_bound_to_a_network_is_refused_from_elsewhere(tmp_path: Path) -> None:
    async with visiting(tmp_path) as me:
        new = {"name": "n", "scopes": ["control:read"], "networks": ["10.0.0.0/8"]}
        key = await me.running.call("POST", "/api/v1/api-keys", new, 201)
        assert key["networks"] == ["10.0.0.0/8"]
        for address, status in (("10.9.8.7", 200), ("11.0.0.1", 403)):
            transport = httpx2.ASGITransport(me.http._transport.app, client=(address, 1))  # type: ignore[attr-defined]
            async with httpx2.AsyncClient(transport=transport, base_url="http://aforo.test") as http:
                answer = await http.get("/api/v1/me", headers={"x-api-key": key["secret"]})
            assert answer.status_code == status
        await me.running.call("POST", "/api/v1/api-keys", new | {"networks": ["nowhere"]}, 422)
