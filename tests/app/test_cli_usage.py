"""`aforo usage pull` and `reconcile` against a live Aforo: what gateways counted is what was sent to them."""

import asyncio
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import boto3
import httpx2
import pytest

from aforo.app.api import create as api
from aforo.app.cli.exits import Exit
from aforo.gateways.aws.emulator import REGION
from tests.app.test_cli_flow import Terminal, World, signed_in, terminal, world
from tests.gateways.apigee.metered import SOLD, Buyer, Metered, deciding, metered, served
from tests.live import Emulated, emulated

__all__ = ["signed_in", "terminal", "world"]
APP = "/v1/organizations/emulated-apis/developers/api@acme.example/apps/acme-app"


def connect(terminal: Terminal, folder: Path, name: str, gateway: Emulated) -> None:
    """Connected, all of it imported."""
    words = []
    for field, value in gateway.settings.items():
        (folder / field).write_text(value)
        words += ["--set", f"{field}=@{folder / field}"]
    way = "--gateway", gateway.gateway, "--sign-in", gateway.sign_in
    terminal.run("integrations", "add", name, *way, *words)
    plan = terminal.json("products", "preview", name)
    terminal.run("products", "import", str(plan["planId"]), "--all", "--yes")


def figures(told: Any) -> dict[str, tuple[int, int, int]]:
    """(pulled, pushed, difference) by the names of a row's products, over all days."""
    found: dict[str, tuple[int, int, int]] = {}
    for row in told["data"]:
        name = ", ".join(one["name"] for one in row["products"])
        mine = row["pulledCalls"], row["pushedCalls"], row["difference"]
        before = found.get(name, (0, 0, 0))
        found[name] = (before[0] + mine[0], before[1] + mine[1], before[2] + mine[2])
    return found


@pytest.mark.long
def test_what_aws_and_apigee_counted_is_pulled_and_shown_as_it_was_called(
    world: World, terminal: Terminal, tmp_path: Path
) -> None:
    with emulated("aws", products=4) as aws, emulated("apigee", products=2) as apigee:
        connect(terminal, tmp_path, "aws-prod", aws)
        connect(terminal, tmp_path, "apigee-prod", apigee)
        nothing = terminal.run("usage", "reconcile", "aws-prod")
        assert "Neither the gateway nor its artifact told of a call." in nothing
        assert sold_at_aws(aws, calls=3) == [200] * 3 + [403]
        assert sold_at_apigee(apigee, calls=2) == [200] * 2 + [401]

        assert "aws-prod counted 3 calls from" in terminal.run("usage", "pull", "aws-prod")
        assert "apigee-prod counted 3 calls from" in terminal.run("usage", "pull", "apigee-prod", "--days", "2")
        pulled = terminal.json("usage", "pull", "apigee-prod")
        assert pulled["calls"] == 3, "reading again counts nothing twice"
        at_aws, at_apigee = (terminal.json("usage", "reconcile", f"{name}-prod") for name in ("aws", "apigee"))
        assert figures(at_aws) == {"TranslationAPI/prod": (3, 0, -3)}
        assert figures(at_apigee) == {"Orders API v1": (2, 0, -2), "": (1, 0, -1)}
        shown = " ".join(terminal.run("usage", "reconcile", "apigee-prod", "--from", str(at_apigee["from"])).split())
        assert "No artifact is attached" in shown
        assert f"{at_apigee['to']} Orders API v1 2 0 -2 -100.00" in shown

        terminal.run("usage", "pull", "apigee-prod", "--days", "31", ends=Exit.INVALID)
        assert "must be 1 to 30" in terminal.err
        terminal.run("usage", "reconcile", "apigee-prod", "--from", "yesterday", ends=Exit.INVALID)
        assert "from" in terminal.err
    terminal.run("usage", "pull", "aws-prod", ends=Exit.GATEWAY)
    assert figures(terminal.json("usage", "reconcile", "aws-prod")) == {"TranslationAPI/prod": (3, 0, -3)}
    terminal.connected(world, "kong-prod")
    terminal.run("usage", "pull", "kong-prod", ends=Exit.CONFLICT)
    assert "does not read usage figures from Kong" in " ".join(terminal.err.split())


def sold_at_aws(account: Emulated, calls: int) -> list[int]:
    """Statuses of so many calls with a key in a usage plan, and of one without."""
    keys = {"aws_access_key_id": "access_key_id", "aws_secret_access_key": "secret_access_key"}
    given: Any = {name: account.settings[field] for name, field in keys.items()}
    client: Any = boto3.client("apigateway", region_name=REGION, endpoint_url=account.url, **given)
    api = next(one["id"] for one in client.get_rest_apis()["items"] if one["name"] == "TranslationAPI")
    plan = client.create_usage_plan(name="shop", apiStages=[{"apiId": api, "stage": "prod"}])
    key = client.create_api_key(name="shop", enabled=True)
    client.create_usage_plan_key(usagePlanId=plan["id"], keyId=key["id"], keyType="API_KEY")
    told = [*[{"x-api-key": key["value"]}] * calls, {}]
    return [httpx2.get(f"{account.url}/proxy/{api}/prod/translations", headers=one).status_code for one in told]


def sold_at_apigee(gateway: Emulated, calls: int) -> list[int]:
    """Statuses of so many calls with a key of the seeded app, and of one without."""
    with httpx2.Client(base_url=gateway.url, headers={"Authorization": "Bearer ya29.emulated"}) as http:
        key = http.get(APP).json()["credentials"][0]["consumerKey"]
        assert http.post(f"{APP}/keys/{key}", json={"apiProducts": [SOLD[0]]}).is_success
        told = [*[{"x-apikey": key}] * calls, {}]
        return [httpx2.get(f"{gateway.url}/proxy/{SOLD[0]}/orders", headers=one).status_code for one in told]


@pytest.mark.long
async def test_with_the_artifact_attached_both_counts_agree_and_a_lost_event_is_named_by_product_and_day(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with metered(tmp_path) as gateway, served(api(gateway.running.rooms)) as (url, _):
        monkeypatch.setenv("AFORO_URL", url)
        monkeypatch.setenv("AFORO_API_KEY", gateway.running.admin_key)
        buyers = [await gateway.buyer(product=one) for one in SOLD]
        for words in (("deploy", "gw", "--yes"), ("attach", "gw", "--yes")):
            await asyncio.to_thread(terminal.run, "enforcement", *words)
        gateway.forget()
        for buyer, path, calls in zip(buyers, ("orders-v1/orders", "payments-v1/payments/1"), (3, 2), strict=True):
            for _ in range(calls):
                assert (await gateway.call(None, f"/{path}", x_apikey=buyer.secret)).status_code == 200

        async def told() -> Any:
            await asyncio.to_thread(terminal.run, "usage", "pull", "gw", "--days", "2")
            return await asyncio.to_thread(terminal.json, "usage", "reconcile", "gw")

        async def agrees() -> bool:
            return figures(await told()) == {"Orders API v1": (3, 3, 0), "Payments API v1": (2, 2, 0)}

        await gateway.until(agrees)
        assert [row["reasons"] for row in (await told())["data"]] == [[], []]

        began = datetime.now(UTC).date()
        assert (await lost(gateway, buyers[0])).status_code == 200
        days = {began, datetime.now(UTC).date()}
        after = await told()
        assert figures(after) == {"Orders API v1": (4, 3, -1), "Payments API v1": (2, 2, 0)}
        (row,) = [row for row in after["data"] if row["difference"]]
        assert date.fromisoformat(row["day"]) in days
        assert row["products"] == [{"id": gateway.products[0].id, "name": "Orders API v1"}]
        assert "best_effort" in [reason["why"] for reason in row["reasons"]]
        shown = " ".join((await asyncio.to_thread(terminal.run, "usage", "reconcile", "gw")).split())
        assert f"{row['day']} Orders API v1 {row['pulledCalls']} {row['pushedCalls']} -1" in shown


async def lost(gateway: Metered, buyer: Buyer) -> Any:
    """A call whose event goes to somebody who takes it and forgets it."""
    entry = "/environments/prod/keyvaluemaps/aforo-config/entries/aforo_ingest_url"
    before = await gateway.manage("GET", entry)
    async with deciding(await gateway.check(buyer.secret)) as elsewhere:
        await gateway.manage("PUT", entry, {**before, "value": f"{elsewhere}/v1/ingest"})
        gateway.forget()
        answer = await gateway.call(None, x_apikey=buyer.secret)
    await gateway.manage("PUT", entry, before)
    return answer
