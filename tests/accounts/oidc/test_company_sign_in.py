"""Signing in by a company's account: who comes in, as whom, and what is left behind."""

from pathlib import Path

import pytest

from aforo.accounts import SESSION_COOKIE
from tests.accounts.oidc.company import COOKIE, company
from tests.accounts.test_people import GOOD, OWN
from tests.accounts.test_sign_in import ELSEWHERE


async def test_an_invited_person_signs_in_with_their_role_and_the_trail_names_provider_and_subject(
    tmp_path: Path,
) -> None:
    async with company(tmp_path) as one:
        made = await one.invite()
        asked = await one.start("/products")
        assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
        assert asked["redirect_uri"] == "http://127.0.0.1:8080/sign-in/oidc/callback"
        answer = await one.back(asked)
        assert (answer.status_code, answer.headers["location"]) == (303, "/products")
        assert "operator" in (await one.http.get("/settings/profile")).text
        first, linked = (await one.audit())[:2]
        told = {"provider": one.at.url, "subject": "248289761001"}
        assert (first["action"], first["actorId"], first["detail"]) == (
            "user.sign_in",
            made["id"],
            {"by": "oidc", **told},
        )
        assert (linked["action"], linked["detail"]) == ("user.identity", {"email": "ada@acme.example", **told})


async def test_the_subject_stays_theirs_when_the_address_changes_and_opens_nobody_elses_account(tmp_path: Path) -> None:
    async with company(tmp_path) as one:
        ada, grace = await one.invite(), await one.invite("grace@acme.example", "admin")
        await one.sign_in()
        one.at.person["email"] = "grace@acme.example"
        async with one.browser() as one.http:
            assert (await one.sign_in()).status_code == 303
            assert ada["id"] in (await one.http.get("/settings/profile")).text
        one.at.person |= {"sub": "another", "email": "ada@acme.example"}
        await one.is_refused("belongs to somebody whom your identity provider knows under another account", 403)
        actions = [(row["action"], row["actorId"]) for row in await one.audit()]
        assert actions[0] == ("user.refused", ada["id"])
        assert grace["id"] not in [who for _, who in actions]


async def test_an_unlinked_person_loses_their_sessions_and_comes_in_by_the_account_that_has_the_address_now(
    tmp_path: Path,
) -> None:
    async with company(tmp_path) as one:
        ada = await one.invite()
        await one.sign_in()
        changed = await one.call("PATCH", f"/api/v1/users/{ada['id']}", {"unlink": True})
        assert changed["hasIdentity"] is False
        assert (await one.http.get("/settings/profile")).status_code == 303
        one.at.person["sub"] = "another"
        assert (await one.sign_in()).status_code == 303


async def test_an_address_that_the_provider_does_not_vouch_for_opens_nothing(tmp_path: Path) -> None:
    async with company(tmp_path) as one:
        await one.invite()
        for told in (False, "false", None, 1):
            one.at.person["email_verified"] = told
            await one.is_refused("does not vouch for your e-mail address", 403)


async def test_a_provider_declared_to_verify_may_leave_it_out_but_is_believed_when_it_says_no(tmp_path: Path) -> None:
    async with company(tmp_path, oidc_trust_email=True) as one:
        await one.invite()
        one.at.person["email_verified"] = False
        await one.is_refused("does not vouch for your e-mail address", 403)
        del one.at.person["email_verified"]
        assert (await one.sign_in()).status_code == 303


async def test_somebody_nobody_invited_is_told_whom_to_ask(tmp_path: Path) -> None:
    async with company(tmp_path) as one:
        await one.is_refused("Nobody has invited ada@acme.example to Aforo. Ask an administrator", 403)
        assert len(await one.people.all(one.tenant_id)) == 1


async def test_a_group_with_a_role_lets_people_in_uninvited_and_the_first_rule_counts(tmp_path: Path) -> None:
    rules = "api-owners=product, everyone=default:viewer"
    async with company(tmp_path, oidc_roles=rules) as one:
        one.at.person["groups"] = ["strangers"]
        await one.is_refused("no group of yours may come in", 403)
        one.at.person["groups"] = ["everyone", "api-owners"]
        await one.is_let_in()
        made = (await one.people.all(one.tenant_id))[-1]
        assert (made.name, made.email, made.role.value, made.has_identity) == (
            "Ada Lovelace",
            "ada@acme.example",
            "product",
            True,
        )
        assert (await one.audit())[1]["detail"]["group"] == "api-owners"


async def test_a_group_leads_into_its_own_tenant_and_nested_claims_are_read(tmp_path: Path) -> None:
    settings = {"oidc_roles": "ops=other:operator", "oidc_role_claim": "realm_access.roles"}
    async with company(tmp_path, **settings) as one:
        one.at.person["realm_access"] = {"roles": ["ops"]}
        await one.is_refused("into the tenant other, which is not there", 403)
        other = await one.accounts.create_tenant("other", "Other")
        assert (await one.sign_in()).status_code == 303
        assert [one.role.value for one in await one.people.all(other.id)] == ["admin", "operator"]


async def test_somebody_shut_out_stays_out_also_after_a_first_sign_in(tmp_path: Path) -> None:
    async with company(tmp_path, oidc_roles="ops=viewer") as one:
        one.at.person["groups"] = ["ops"]
        ada = await one.invite()
        for _ in range(2):
            await one.call("PATCH", f"/api/v1/users/{ada['id']}", {"disabled": True})
            await one.is_refused("You have been shut out of Aforo", 403)
            await one.call("PATCH", f"/api/v1/users/{ada['id']}", {"disabled": False})
            await one.is_let_in()


async def test_claims_left_out_of_the_token_are_asked_for_and_must_be_of_the_same_person(tmp_path: Path) -> None:
    async with company(tmp_path) as one:
        await one.invite()
        one.at.thin, one.at.userinfo_sub = True, "somebody else"
        await one.is_refused("told of somebody else")
        one.at.userinfo_sub = None
        assert (await one.sign_in()).status_code == 303


async def test_what_the_signed_token_says_stands_above_what_userinfo_adds(tmp_path: Path) -> None:
    async with company(tmp_path, oidc_roles="ops=viewer") as one:
        await one.invite()
        one.at.claims = lambda claims: claims | {"email_verified": False}
        await one.is_refused("verified at the provider", 403)
        assert "/userinfo" in one.at.asked, "nothing was added"


async def test_signing_in_leads_to_our_own_pages_only(tmp_path: Path) -> None:
    async with company(tmp_path) as one:
        await one.invite()
        for where in (*ELSEWHERE, f"/{'a' * 5_000}"):
            async with one.browser() as one.http:
                assert (await one.sign_in(where)).headers["location"] == "/", repr(where)


async def test_signing_in_ends_the_session_that_the_browser_had(tmp_path: Path) -> None:
    async with company(tmp_path) as one:
        await one.invite()
        asked = await one.start()
        before = await one.accounts.sign_in(await one.accounts.sign_in_token(one.tenant_id))
        one.http.cookies.set(SESSION_COOKIE, before)
        assert (await one.back(asked)).status_code == 303
        assert await one.accounts.session(before) is None


@pytest.mark.parametrize("home", ["https://console.example", "http://127.0.0.1:8080"])
async def test_the_cookie_belongs_to_this_host_alone_and_goes_when_it_was_used(tmp_path: Path, home: str) -> None:
    async with company(tmp_path, public_url=home) as one:
        answer = await one.http.get("/sign-in/oidc/start")
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert "Path=/;" in cookie
        assert "Domain" not in cookie
        assert (cookie.startswith(f"__Host-{COOKIE}=") and "Secure" in cookie) == home.startswith("https:")
        ended = await one.http.get("/sign-in/oidc/callback?state=x")
        assert "Max-Age=0" in ended.headers["set-cookie"]
        assert ("__Host-" in ended.headers["set-cookie"]) == home.startswith("https:")


async def test_signing_out_ends_our_session_and_offers_to_end_the_providers(tmp_path: Path) -> None:
    async with company(tmp_path) as one:
        await one.invite()
        await one.sign_in()
        cookie = one.http.cookies[SESSION_COOKIE]
        token = (await one.http.get("/settings/profile")).text.split('name="csrf_token" value="')[1].split('"')[0]
        left = await one.http.post("/sign-out", data={"csrf_token": token})
        page = (await one.http.get(left.headers["location"])).text
        assert f"{one.at.url}/leave?client_id=aforo&amp;post_logout_redirect_uri=http" in page
        assert await one.accounts.session(cookie) is None


async def test_with_passwords_off_none_lets_in_or_can_be_set_and_the_machines_link_still_does(tmp_path: Path) -> None:
    async with company(tmp_path, password_sign_in="off") as one:
        await one.invite()
        page = (await one.http.get("/sign-in")).text
        assert 'name="password"' not in page
        assert "Sign in with Acme ID" in page
        form = {"email": "ada@acme.example", "password": GOOD}
        refused = await one.http.post("/sign-in", data=form, headers=OWN)
        assert (refused.status_code, "Passwords are switched off here" in refused.text) == (403, True)
        token = await one.people.reset("ada@acme.example")
        assert (await one.http.get(f"/sign-in/{token}")).status_code == 303
        profile = (await one.http.get("/settings/profile")).text
        assert 'name="password"' not in profile
        csrf = profile.split('name="csrf_token" value="')[1].split('"')[0]
        answer = await one.http.post("/settings/profile", data={"csrf_token": csrf, "password": GOOD})
        assert answer.status_code == 422


async def test_a_fault_in_the_settings_is_told_and_locks_nobody_out(tmp_path: Path) -> None:
    async with company(tmp_path, oidc_roles="ops=king") as one:
        page = (await one.http.get("/sign-in")).text
        assert "AFORO_OIDC_ROLES cannot be read at &#39;ops=king&#39;" in page
        assert 'name="password"' in page
        assert (await one.http.get("/sign-in/oidc/start")).status_code == 401
