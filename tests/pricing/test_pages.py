"""Plans at a gateway, as a browser without scripts compares and syncs them."""

from pathlib import Path

from aforo.accounts import Role
from tests.console.test_pages import _connect, _import_all
from tests.console.visiting import Visitor, visiting
from tests.customers.shop import customer, plan, subscribe
from tests.flows.hands import KongHand
from tests.live import Emulated, emulated


async def _sold(me: Visitor, gateway: Emulated) -> tuple[str, str]:
    """The pricing page of a gateway where one plan has one subscriber, and the path of the limit kept there."""
    integration_id = await _connect(me, gateway)
    await _import_all(me, integration_id)
    products = (await me.running.call("GET", "/api/v1/products?limit=100"))["data"]
    sold = [one["id"] for one in products if one["ref"] == "payments-v2"]
    pro = await plan(me.running, productIds=sold)
    subscription = await subscribe(me.running, (await customer(me.running))["id"], pro["id"])
    limits = KongHand(gateway).call("GET", f"/consumers/aforo-{subscription['id']}/plugins")["data"]
    return f"/integrations/{integration_id}/pricing", f"/plugins/{limits[0]['id']}"


async def test_a_lowered_limit_is_shown_with_who_is_touched_and_put_right_by_a_sync(tmp_path: Path) -> None:
    async with visiting(tmp_path) as me:
        with emulated("kong") as kong:
            here, limit = await _sold(me, kong)
            hand = KongHand(kong)
            before = hand.call("GET", limit)["config"]["minute"]
            assert "Not compared yet." in (await me.get(here)).text
            hand.call("PATCH", limit, {"config": {"minute": 5}})

            compared = await me.post(f"{here}/preview")
            assert "1 row differs between plans and gateway: 0 NEW, 1 CHANGED, 0 STALE." in compared.text
            assert "Sync 1 row" in compared.text
            assert compared.primaries == 1
            form = compared.form(f"{here}/sync")
            assert form["select"] == ["plan:pro"]
            none = await me.post(f"{here}/sync", {"read": form["read"]})
            assert (none.status, "Nothing is ticked." in none.text) == (422, True)
            assert hand.call("GET", limit)["config"]["minute"] == 5

            unsaid = await me.post(f"{here}/sync", form)
            assert (unsaid.status, "This needs your word first." in unsaid.text) == (409, True)
            assert hand.call("GET", limit)["config"]["minute"] == 5
            form["confirm"] = ["plan:pro"]
            done = await me.post(f"{here}/sync", form)
            assert "1 of 1 row stand at" in done.text, done.text
            assert hand.call("GET", limit)["config"]["minute"] == before
            shown = await me.get(here)
            assert "1 plan or tag synced so far." in shown.text
            again = await me.post(f"{here}/sync", form)
            assert (again.status, "Changed since you looked." in again.text) == (409, True)


async def test_what_moved_since_the_comparison_is_refused_and_the_ticks_are_kept(tmp_path: Path) -> None:
    async with visiting(tmp_path) as me:
        with emulated("kong") as kong:
            here, limit = await _sold(me, kong)
            hand = KongHand(kong)
            hand.call("PATCH", limit, {"config": {"minute": 5}})
            form = (await me.post(f"{here}/preview")).form(f"{here}/sync")
            hand.call("PATCH", limit, {"config": {"minute": 7}})
            refused = await me.post(f"{here}/sync", form)
            assert (refused.status, "Changed since you looked." in refused.text) == (409, True)
            assert refused.form(f"{here}/sync")["select"] == form["select"]
            assert hand.call("GET", limit)["config"]["minute"] == 7


async def test_a_viewer_reads_and_is_told_who_may_sync(tmp_path: Path) -> None:
    async with visiting(tmp_path) as me:
        with emulated("kong") as kong:
            here = f"/integrations/{await _connect(me, kong)}/pricing"
            await me.become(Role.VIEWER)
            seen = await me.get(here)
            assert "Compare and sync need the role operator" in seen.text
            assert (await me.post(f"{here}/preview")).status == 403
            assert (await me.get(here.replace("int_", "int_x"))).status == 404
