"""What carries Aforo's mark at a gateway and no record explains is found, and removed only when told."""

from pathlib import Path

from aforo.gateway_sdk.emulator import Fault
from tests.credentials.selling import selling
from tests.credentials.test_credentials_api import products
from tests.customers.shop import plan, stocked
from tests.flows.hands import KongHand
from tests.live import emulated

MARK = ["aforo", "aforo-subscription:sub_lost"]


async def test_a_planted_orphan_is_found_and_removed_and_nothing_else_is(tmp_path: Path) -> None:
    with emulated("kong") as kong:
        hand = KongHand(kong)
        async with selling(tmp_path) as shop:
            place, _ = await stocked(shop.running, kong)
            made = await shop.subscribe(await products(shop.running, place, "payments-v2"))
            await shop.issue(made)
            hand.call("POST", "/consumers", {"username": "left-over", "tags": MARK})
            hand.call("POST", "/consumers/left-over/key-auth", {"tags": MARK})
            hand.call("POST", "/consumers/acme/key-auth", {"key": "ours-on-theirs", "tags": MARK})
            before = {row["username"] for row in hand.call("GET", "/consumers")["data"]}
            found = await shop.call("POST", "/orphans/scan")
            assert found["incomplete"] == {}
            assert sorted((one["name"], one["keys"]) for one in found["data"]) == [("acme", 1), ("left-over", 1)]
            assert (await shop.call("GET", "/orphans"))["data"] == found["data"]
            for one in found["data"]:
                await shop.call("DELETE", f"/orphans/{one['id']}", status=204)
            assert {row["username"] for row in hand.call("GET", "/consumers")["data"]} == before - {"left-over"}
            assert len(hand.call("GET", "/consumers/acme/key-auth")["data"]) == 1
            assert (await shop.call("POST", "/orphans/scan", {"integrationId": place}))["data"] == []
            assert await shop.gateways_of(made) == {place: "ACTIVE"}


async def test_a_partial_look_proves_nothing(tmp_path: Path) -> None:
    with emulated("kong") as kong:
        hand = KongHand(kong)
        async with selling(tmp_path) as shop:
            place, _ = await stocked(shop.running, kong)
            hand.call("POST", "/consumers", {"username": "left-over", "tags": MARK})
            known = (await shop.call("POST", "/orphans/scan"))["data"]
            hand.call("DELETE", "/consumers/left-over")
            hand.call("POST", "/consumers", {"username": "another", "tags": MARK})
            kong.board.faults.append(Fault(500, path="/key-auths"))
            told = await shop.call("POST", "/orphans/scan")
            assert list(told["incomplete"]) == [place]
            assert told["data"] == known
            assert [one["name"] for one in (await shop.call("POST", "/orphans/scan"))["data"]] == ["another"]


async def test_an_orphan_that_a_record_explains_by_now_is_not_removed(tmp_path: Path) -> None:
    with emulated("kong") as kong:
        hand = KongHand(kong)
        async with selling(tmp_path) as shop:
            place, _ = await stocked(shop.running, kong)
            made = await shop.subscribe(await products(shop.running, place, "payments-v2"))
            empty = await plan(shop.running, key="empty")
            path = f"/subscriptions/{made['id']}"
            await shop.call("PATCH", path, {"planId": empty["id"]})
            await shop.work()
            tags = ["aforo", f"aforo-subscription:{made['id']}"]
            hand.call("POST", "/consumers", {"username": "revived", "tags": tags})
            orphan = (await shop.call("POST", "/orphans/scan"))["data"][0]
            assert "has left this gateway" in orphan["reason"]
            await shop.call("PATCH", path, {"planId": made["planId"]})
            assert (await shop.call("DELETE", f"/orphans/{orphan['id']}", status=409))["code"] == "conflict"
            await shop.call("POST", f"{path}/cancel")
            await shop.call("DELETE", f"/orphans/{orphan['id']}", status=204)
            assert (await shop.call("DELETE", f"/orphans/{orphan['id']}", status=404))["code"] == "not_found"
            assert "revived" not in str(hand.call("GET", "/consumers"))
