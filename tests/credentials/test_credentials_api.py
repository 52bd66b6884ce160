"""Credentials over the API, on emulated gateways that are called with them."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from aforo.accounts import Scope
from aforo.credentials import Standby, credential_rows
from aforo.kit.clock import from_rfc3339
from tests.credentials.selling import opens, secret_of, selling
from tests.customers.shop import stocked
from tests.flows.hands import KongHand
from tests.live import Aforo, emulated


async def products(running: Aforo, integration_id: str, *names: str) -> list[str]:
    found = await running.call("GET", f"/api/v1/products?integrationId={integration_id}&limit=100")
    by_name = {one["name"]: one["id"] for one in found["data"]}
    return [by_name[name] for name in names]


async def test_a_subscription_stands_at_its_gateway_and_its_credential_opens_the_plan_until_it_is_revoked(
    tmp_path: Path,
) -> None:
    with emulated("kong") as kong:
        async with selling(tmp_path) as shop:
            place, _ = await stocked(shop.running, kong)
            made = await shop.subscribe(await products(shop.running, place, "payments-v2"))
            assert made["gateways"] == [
                {"integrationId": place, "wanted": "ACTIVE", "observed": "ACTIVE", "reason": None}
            ]
            issued = await shop.issue(made)
            secret = secret_of(issued, place)
            assert issued["id"].startswith("cred_")
            assert (issued["state"], issued["mode"]) == ("ACTIVE", "GATEWAY_GENERATED")
            assert [(one["type"], one["observed"]) for one in issued["places"]] == [("key_auth", "ACTIVE")]
            assert opens(kong, secret) == 200
            assert opens(kong, secret, "/v1/search") == 403
            path = f"/credentials/{issued['id']}"
            assert secret not in str(await shop.call("GET", path))
            assert (await shop.call("POST", f"{path}/secret"))["secrets"] == []
            assert (await shop.call("POST", f"{path}/suspend"))["state"] == "SUSPENDED"
            assert opens(kong, secret) == 403
            assert (await shop.call("POST", f"{path}/reactivate"))["state"] == "ACTIVE"
            assert opens(kong, secret) == 200
            revoked = await shop.call("POST", f"{path}/revoke")
            assert (revoked["state"], revoked["places"][0]["observed"]) == ("REVOKED", "GONE")
            assert opens(kong, secret) == 401
            await _statements_know_whose_it_is(shop.running, issued, made["id"], place)
            again = await shop.call("POST", f"{path}/revoke")
            assert again == revoked
            for verb in ("suspend", "reactivate", "rotate"):
                assert (await shop.call("POST", f"{path}/{verb}", status=409))["code"] == "credential_state"


async def _statements_know_whose_it_is(running: Aforo, issued: dict[str, Any], owner: str, place: str) -> None:
    """Revoked or not: it was used until then."""
    owners = Standby(running.rooms.db).owners
    usage_calls_it = f"{place}/key_auth/{issued['places'][0]['nativeId']}"
    known = {usage_calls_it: (owner, from_rfc3339(issued["createdAt"]))}
    assert await owners(running.tenant_id, [owner]) == known
    assert await owners("ten_other", [owner]) == {}


async def test_a_rotated_secret_lives_through_its_grace_and_not_a_second_longer(tmp_path: Path) -> None:
    with emulated("kong") as kong:
        async with selling(tmp_path) as shop:
            place, _ = await stocked(shop.running, kong)
            made = await shop.subscribe(await products(shop.running, place, "payments-v2"))
            old = await shop.issue(made)
            new = await shop.call("POST", f"/credentials/{old['id']}/rotate", {}, 201)
            assert new["replaces"] == old["id"]
            first, second = secret_of(old, place), secret_of(new, place)
            shop.clock.forward(299)
            await shop.work()
            assert (opens(kong, first), opens(kong, second)) == (200, 200)
            assert (await shop.call("GET", f"/credentials/{old['id']}"))["state"] == "GRACE"
            shop.clock.forward(1)
            await shop.work()
            assert (opens(kong, first), opens(kong, second)) == (401, 200)
            assert (await shop.call("GET", f"/credentials/{old['id']}"))["state"] == "REVOKED"


async def test_the_same_secret_works_at_every_gateway_and_a_gateways_own_only_there(tmp_path: Path) -> None:
    with emulated("kong") as one, emulated("kong") as other:
        async with selling(tmp_path) as shop:
            here, _ = await stocked(shop.running, one, "one")
            there, _ = await stocked(shop.running, other, "other")
            sold = [
                *(await products(shop.running, here, "payments-v2")),
                *(await products(shop.running, there, "payments-v2")),
            ]
            made = await shop.subscribe(sold)
            shared = secret_of(await shop.issue(made, mode="AFORO_PROVIDED"))
            assert shared.startswith("aforo_")
            assert (opens(one, shared), opens(other, shared)) == (200, 200)
            own = await shop.issue(made, mode="GATEWAY_GENERATED")
            mine = secret_of(own, here)
            assert (opens(one, mine), opens(other, mine)) == (200, 401)
            assert opens(other, secret_of(own, there)) == 200
            await shop.work()
            assert set((await shop.gateways_of(made)).values()) == {"ACTIVE"}


async def test_a_subscriptions_verbs_reach_the_gateway_and_cancelling_ends_its_credentials(tmp_path: Path) -> None:
    with emulated("kong") as kong:
        async with selling(tmp_path) as shop:
            place, _ = await stocked(shop.running, kong)
            made = await shop.subscribe(await products(shop.running, place, "payments-v2"))
            issued = await shop.issue(made, mode="AFORO_PROVIDED")
            secret, path = secret_of(issued), f"/subscriptions/{made['id']}"
            seen = []
            for verb in ("suspend", "reactivate", "cancel"):
                done = await shop.call("POST", f"{path}/{verb}")
                seen.append((opens(kong, secret), [one["observed"] for one in done["gateways"]]))
            assert seen == [(403, ["SUSPENDED"]), (200, ["ACTIVE"]), (401, ["GONE"])]
            listed = await shop.call("GET", f"{path}/credentials")
            assert [one["state"] for one in listed["data"]] == ["REVOKED"]
            assert (await shop.call("POST", f"{path}/credentials", {}, 409))["code"] == "credential_state"


async def test_a_narrowed_credential_opens_less_and_a_moved_subscription_what_its_new_plan_holds(
    tmp_path: Path,
) -> None:
    with emulated("kong") as one, emulated("kong") as later:
        async with selling(tmp_path) as shop:
            place, _ = await stocked(shop.running, one)
            payments, search = await products(shop.running, place, "payments-v2", "search-v1")
            made = await shop.subscribe([payments, search])
            issued = await shop.issue(made, mode="AFORO_PROVIDED")
            secret, path = secret_of(issued), f"/credentials/{issued['id']}/scope"
            assert (opens(one, secret), opens(one, secret, "/v1/search")) == (200, 200)
            await shop.call("PUT", path, {"productIds": [search]})
            assert (opens(one, secret), opens(one, secret, "/v1/search")) == (403, 200)
            with closing(sqlite3.connect(shop.running.rooms.settings.records_path)) as records:
                assert {row.left_out for row in credential_rows(records)} == {frozenset({payments})}
            refused = await shop.call("PUT", path, {"productIds": ["prod_other"]}, 422)
            assert refused["errors"][0]["pointer"] == "/productIds"
            second, _ = await stocked(shop.running, later, "later")
            elsewhere = await products(shop.running, second, "payments-v2")
            bigger: dict[str, Any] = await shop.call(
                "POST", "/plans", {"key": "bigger", "currency": "EUR", "productIds": elsewhere}, 201
            )
            await shop.call("POST", f"/plans/{bigger['id']}/publish")
            await shop.call("PATCH", f"/subscriptions/{made['id']}", {"planId": bigger["id"]})
            await shop.work()
            assert opens(later, secret) == 200
            assert opens(one, secret, "/v1/search") == 401
            assert await shop.gateways_of(made) == {second: "ACTIVE"}


async def test_another_tenant_finds_none_of_it(tmp_path: Path) -> None:
    with emulated("kong") as kong:
        async with selling(tmp_path) as shop:
            place, _ = await stocked(shop.running, kong)
            made = await shop.subscribe(await products(shop.running, place, "payments-v2"))
            issued = await shop.issue(made, mode="AFORO_PROVIDED")
            KongHand(kong).call("POST", "/consumers", {"username": "x", "tags": ["aforo", "aforo-subscription:sub_x"]})
            orphan = (await shop.call("POST", "/orphans/scan"))["data"][0]["id"]
            accounts = shop.running.rooms.accounts
            tenant = await accounts.create_tenant("stranger", "Stranger")
            _, key = await accounts.create_key(tenant.id, "key", {Scope.ADMIN})
            credential, subscription = f"/credentials/{issued['id']}", f"/subscriptions/{made['id']}/credentials"
            asked: list[tuple[str, str, object]] = [
                ("GET", credential, None),
                *(("POST", f"{credential}/{verb}", {}) for verb in ("rotate", "suspend", "revoke", "secret")),
                ("PUT", f"{credential}/scope", {"productIds": []}),
                ("GET", subscription, None),
                ("POST", subscription, {}),
                ("GET", f"/integrations/{place}/consumers", None),
                ("POST", "/orphans/scan", {"integrationId": place}),
                ("DELETE", f"/orphans/{orphan}", None),
            ]
            told = []
            for method, path, body in asked:
                headers = {"Authorization": f"Bearer {key}"}
                answer = await shop.running.http.request(method, f"/api/v1{path}", json=body, headers=headers)
                told.append(answer.status_code)
            assert told == [404] * len(asked)
            assert opens(kong, secret_of(issued)) == 200
