"""Credentials, orphans and existing consumers, as a browser without scripts reads them and fills them in."""

import re
from pathlib import Path

import httpx2

from aforo.accounts import Role
from tests.console.test_pages import _connect, _import_all
from tests.console.visiting import Seen, Visitor, visiting
from tests.customers.shop import customer, plan
from tests.flows.hands import KongHand
from tests.live import Emulated, emulated

MARK = ["aforo", "aforo-subscription:sub_lost"]


def opens(gateway: Emulated, secret: str) -> int:
    return httpx2.get(f"{gateway.url}/proxy/v2/payments", headers={"apikey": secret}, trust_env=False).status_code


def secret_of(seen: Seen) -> str:
    found = re.findall(r'data-copy="([^"]+)" aria-label="Copy the secret"', seen.html)
    assert len(found) == 1, seen.text
    return str(found[0])


async def _subscribed(me: Visitor, gateway: Emulated) -> tuple[str, str]:
    """The integration's id and the page of a subscription to one of its products."""
    integration_id = await _connect(me, gateway)
    await _import_all(me, integration_id)
    products = (await me.running.call("GET", "/api/v1/products?limit=100"))["data"]
    sold = [one["id"] for one in products if one["ref"] == "payments-v2"]
    pro = await plan(me.running, productIds=sold, rateLimits=[])
    buyer = await customer(me.running)
    wish = {"customerId": buyer["id"], "planId": pro["id"]}
    made = await me.running.call("POST", "/api/v1/subscriptions", wish, 201)
    return integration_id, f"/subscriptions/{made['id']}"


async def _created(me: Visitor, subscription: str) -> Seen:
    action = f"{subscription}/credentials"
    form = (await me.get(subscription)).form(action)
    return await me.post(action, {"newest": form["newest"]})


def _id_in(seen: Seen) -> str:
    """Of the credential whose secret is shown."""
    found: list[str] = re.findall(r'href="/credentials/(cred_[a-z0-9]+)">I have stored it', seen.html)
    return found[0]


async def test_a_secret_is_shown_once_in_the_answer_to_the_post_and_works_at_the_gateway(tmp_path: Path) -> None:
    async with visiting(tmp_path) as me:
        with emulated("kong") as kong:
            _, subscription = await _subscribed(me, kong)
            assert "No credential yet" in (await me.get(subscription)).text
            form = (await me.get(subscription)).form(f"{subscription}/credentials")
            shown = await me.post(f"{subscription}/credentials", {"newest": form["newest"]})
            secret = secret_of(shown)
            assert shown.headers["cache-control"] == "no-store"
            assert "You will not see it again." in shown.text
            assert "Works at kong-prod" in shown.text
            assert opens(kong, secret) == 200

            again = await me.post(f"{subscription}/credentials", {"newest": form["newest"]})
            assert "its secret was shown then" in again.text
            assert "Rotate…" in again.text
            one = f"/credentials/{_id_in(shown)}"
            for path in (one, "/credentials", subscription):
                seen = await me.get(path)
                assert f"••••{secret[-4:]}" in seen.text, path
                assert secret not in seen.html, path
            assert secret not in again.html
            assert "1 of 1 gateway as wanted." in (await me.get(one)).text
            listed = await me.running.call("GET", "/api/v1/credentials")
            assert [row["id"] for row in listed["data"]] == [_id_in(shown)]


async def test_a_key_is_rotated_suspended_reactivated_and_revoked_by_question(tmp_path: Path) -> None:
    async with visiting(tmp_path) as me:
        with emulated("kong") as kong:
            _, subscription = await _subscribed(me, kong)
            first = await _created(me, subscription)
            old = f"/credentials/{_id_in(first)}"
            asked = await me.get(f"{old}/rotate")
            assert "at 1 gateway?" in asked.text
            assert "1 customer, Acme, uses it" in asked.text
            assert (await me.post(f"{old}/rotate", {"reason": " ", "grace": "60"})).status == 422
            odd = await me.post(f"{old}/rotate", {"reason": "leak", "grace": "soon"})
            assert (odd.status, "whole number of seconds" in odd.text) == (422, True)
            rotated = await me.post(f"{old}/rotate", {"reason": "leak", "grace": "60"})
            secret = secret_of(rotated)
            assert opens(kong, secret) == opens(kong, secret_of(first)) == 200
            repeated = await me.post(f"{old}/rotate", {"reason": "leak", "grace": "60"})
            assert "its secret was shown then" in repeated.text
            assert secret not in repeated.html
            assert "A successor is in place" in (await me.get(old)).text

            new = f"/credentials/{_id_in(rotated)}"
            refused = await me.post(f"{old}/suspend", {"reason": "x"})
            assert (refused.status, "GRACE cannot be suspended" in refused.text) == (422, True)
            assert "SUSPENDED" in (await me.post(f"{new}/suspend", {"reason": "unpaid"})).text
            assert opens(kong, secret) != 200
            assert "Revoke…" in (await me.post(f"{new}/reactivate", {"reason": "paid"})).text
            assert opens(kong, secret) == 200
            assert "It is the only live key" not in (await me.get(f"{new}/revoke")).text
            gone = await me.post(f"{new}/revoke", {"reason": "leak"})
            assert "REVOKED" in gone.text
            assert "Rotate…" not in gone.text
            assert opens(kong, secret) == 401
            audit = await me.running.rooms.accounts.audit(me.running.tenant_id)
            assert "leak" in str(audit)


async def test_keys_are_listed_by_state_and_subscription(tmp_path: Path) -> None:
    async with visiting(tmp_path) as me:
        assert "No live key yet." in (await me.get("/credentials")).text
        with emulated("kong") as kong:
            _, subscription = await _subscribed(me, kong)
            one = _id_in(await _created(me, subscription))
            assert one in (await me.get("/credentials?state=ACTIVE")).html
            assert one not in (await me.get("/credentials?state=REVOKED")).html
            assert one in (await me.get(f"/credentials?subscription={subscription.rpartition('/')[2]}")).html
            assert one not in (await me.get("/credentials?subscription=sub_other")).html


async def test_consumers_that_were_there_before_are_adopted_without_a_write(tmp_path: Path) -> None:
    async with visiting(tmp_path) as me:
        with emulated("kong") as kong:
            place, _ = await _subscribed(me, kong)
            here = f"/integrations/{place}/consumers"
            assert "Reads who calls there already" in (await me.get(here)).text
            seen = await me.post(here)
            assert "same name" in seen.text
            form = seen.form(f"{here}/adopt")
            kong.board.log.clear()
            nobody = await me.post(f"{here}/adopt", {"read": form["read"], "start": "0", "plan": "x"})
            assert "Tick a consumer first." in nobody.text
            number = re.findall(r'value="(\d+)" data-pick><span>acme<', seen.html)[0]
            plans = (await me.running.call("GET", "/api/v1/plans"))["data"]
            buyers = (await me.running.call("GET", "/api/v1/customers"))["data"]
            wish = {"read": form["read"], "start": "0", "plan": plans[0]["id"], "pick": number}
            done = await me.post(f"{here}/adopt", {**wish, f"customer.{number}": buyers[0]["id"]})
            assert done.path.startswith("/subscriptions"), done.text
            assert [method for method, _ in kong.board.log if method != "GET"] == []
            assert "adopted" in (await me.get("/credentials")).text
            assert "has a subscription" in (await me.post(here)).text


async def test_an_orphan_is_found_by_a_scan_and_revoked_by_question(tmp_path: Path) -> None:
    async with visiting(tmp_path) as me:
        with emulated("kong") as kong:
            await _subscribed(me, kong)
            hand = KongHand(kong)
            hand.call("POST", "/consumers", {"username": "left-over", "tags": MARK})
            assert "No orphan is known." in (await me.get("/credentials/orphans")).text
            seen = await me.post("/credentials/orphans/scan")
            assert "left-over" in seen.text
            action = re.findall(r'href="(/credentials/orphans/orph_[a-z0-9]+/remove)"', seen.html)[0]
            assert "Revoke orphan left-over at kong-prod?" in (await me.get(action)).text
            assert (await me.post(action, {"reason": ""})).status == 422
            assert "No orphan is known." in (await me.post(action, {"reason": "old"})).text
            assert "left-over" not in str(hand.call("GET", "/consumers"))


async def test_an_integration_with_working_keys_is_not_forgotten_unless_told(tmp_path: Path) -> None:
    async with visiting(tmp_path) as me:
        with emulated("kong") as kong:
            place, subscription = await _subscribed(me, kong)
            one = _id_in(await _created(me, subscription))
            refused = await me.running.call("DELETE", f"/api/v1/integrations/{place}", status=409)
            assert refused["code"] == "integration_in_use"
            assert one in refused["detail"]
            asked = await me.get(f"/integrations/{place}/remove")
            assert "1 live key goes on working there" in asked.text
            await me.running.call("DELETE", f"/api/v1/integrations/{place}?force=orphan", status=204)
            assert (await me.get(f"/credentials/{one}")).status == 200


async def test_a_preview_counts_the_live_keys_that_a_change_touches(tmp_path: Path) -> None:
    async with visiting(tmp_path) as me:
        with emulated("kong") as kong:
            place, subscription = await _subscribed(me, kong)
            for _ in range(2):
                await _created(me, subscription)
            told = await me.running.preview(place)
            keys = {row["ref"]: row["impact"]["credentials"] for row in told["changes"]}
            assert keys["payments-v2"] == 2
            assert keys["search-v1"] == 0


async def test_who_may_only_read_is_shown_who_can_act(tmp_path: Path) -> None:
    async with visiting(tmp_path) as me:
        with emulated("kong") as kong:
            _, subscription = await _subscribed(me, kong)
            one = f"/credentials/{_id_in(await _created(me, subscription))}"
            await me.become(Role.VIEWER)
            for path in (one, "/credentials/orphans"):
                seen = await me.get(path)
                assert (seen.status, "needs the role" in seen.text) == (200, True), path
            assert (await me.post(f"{one}/rotate", {"reason": "x"})).status == 403
            assert (await me.post(f"{subscription}/credentials", {"newest": ""})).status == 403
