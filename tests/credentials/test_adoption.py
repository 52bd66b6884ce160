"""Consumers and keys that were at the gateway before Aforo become subscriptions, and nothing is written there."""

from pathlib import Path

from tests.credentials.selling import opens, selling
from tests.credentials.test_credentials_api import products
from tests.customers.shop import PRO, customer, faults, stocked
from tests.flows.hands import KongHand
from tests.live import Emulated, emulated


def writes(kong: Emulated) -> list[tuple[str, str]]:
    return [(method, path) for method, path in kong.board.log if method != "GET"]


async def test_existing_consumers_are_adopted_without_a_write_and_then_live_as_any_other(tmp_path: Path) -> None:
    with emulated("kong") as kong:
        hand = KongHand(kong)
        secret = hand.call("GET", "/consumers/acme/key-auth")["data"][0]["key"]
        async with selling(tmp_path) as shop:
            place, _ = await stocked(shop.running, kong)
            sold = await products(shop.running, place, "payments-v2")
            closed = await products(shop.running, place, "search-v1")  # not open to them: to open it would be a write
            made = await shop.call("POST", "/plans", PRO | {"productIds": sold + closed}, 201)
            await shop.call("POST", f"/plans/{made['id']}/publish")
            buyer = await customer(shop.running, "ACME", externalId="crm-acme")
            await customer(shop.running, "Globex!")
            told = await shop.call("GET", f"/integrations/{place}/consumers")
            assert not told["partial"]
            assert secret not in str(told)
            by_name = {one["name"]: one for one in told["data"]}
            acme = by_name["acme"]
            assert acme["match"] == {"customerId": buyer["id"], "why": "same external id"}
            assert by_name["globex"]["match"]["why"] == "same name"
            assert by_name["umbrella"]["match"]["customerId"] is None
            assert sold[0] in acme["productIds"]
            assert closed[0] not in acme["productIds"]
            keys = [key["nativeId"] for key in acme["keys"]]
            wish = {"consumer": acme["consumer"], "customerId": buyer["id"], "planId": made["id"], "keys": keys}
            other = by_name["umbrella"]
            fresh = {
                "consumer": other["consumer"],
                "newCustomer": {"name": "Umbrella"},
                "planId": made["id"],
                "keys": [key["nativeId"] for key in other["keys"]],
            }
            path = f"/integrations/{place}/consumers/adopt"
            lost = {"adopt": [wish | {"keys": ["nobody"]}]}
            assert "/adopt/0/keys" in faults(await shop.call("POST", path, lost, 422))
            assert "/adopt/0" in faults(await shop.call("POST", path, {"adopt": [wish | {"customerId": None}]}, 422))
            twice = {"adopt": [wish, wish]}
            assert "/adopt" in faults(await shop.call("POST", path, twice, 422))
            assert (await shop.call("GET", "/subscriptions"))["data"] == []
            kong.board.log.clear()
            ids = (await shop.call("POST", path, {"adopt": [wish, fresh]}, 201))["subscriptionIds"]
            await shop.work()
            assert writes(kong) == []
            subscription = await shop.call("GET", f"/subscriptions/{ids[0]}")
            assert (subscription["status"], subscription["gateways"][0]["observed"]) == ("ACTIVE", "ACTIVE")
            listed = (await shop.call("GET", f"/subscriptions/{ids[0]}/credentials"))["data"]
            assert [(one["adopted"], one["state"], one["places"][0]["nativeId"]) for one in listed] == [
                (True, "ACTIVE", keys[0])
            ]
            assert (await shop.call("POST", path, {"adopt": [wish]}, 409))["code"] == "already_adopted"
            again = await shop.call("GET", f"/integrations/{place}/consumers")
            assert [one["keys"][0]["subscriptionId"] for one in again["data"] if one["name"] == "acme"] == [ids[0]]
            assert (await shop.call("POST", f"/credentials/{listed[0]['id']}/secret"))["secrets"] == []
            await shop.call("POST", f"/subscriptions/{ids[0]}/suspend")
            assert opens(kong, secret) == 403
            await shop.call("POST", f"/subscriptions/{ids[0]}/reactivate")
            assert opens(kong, secret) == 200
            await shop.call("POST", f"/credentials/{listed[0]['id']}/revoke")
            assert opens(kong, secret) == 401
            assert hand.call("GET", "/consumers/acme")["username"] == "acme"


async def test_a_plan_that_sells_nothing_there_cannot_be_adopted_into(tmp_path: Path) -> None:
    with emulated("kong") as kong:
        async with selling(tmp_path) as shop:
            place, _ = await stocked(shop.running, kong)
            made = await shop.call("POST", "/plans", PRO, 201)
            await shop.call("POST", f"/plans/{made['id']}/publish")
            told = await shop.call("GET", f"/integrations/{place}/consumers")
            acme = told["data"][0]
            wish = {
                "consumer": acme["consumer"],
                "newCustomer": {"name": "A"},
                "planId": made["id"],
                "keys": [acme["keys"][0]["nativeId"]],
            }
            refused = await shop.call("POST", f"/integrations/{place}/consumers/adopt", {"adopt": [wish]}, 422)
            assert "/adopt/0/planId" in faults(refused)
            assert (await shop.call("GET", "/customers"))["data"] == []
