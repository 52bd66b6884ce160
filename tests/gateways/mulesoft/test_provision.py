"""A seat at Anypoint: made, changed, suspended and removed, and what is beside it is left alone."""

import contextlib
from dataclasses import replace
from decimal import Decimal
from typing import Any

import httpx2
import pytest

from aforo.gateway_sdk.errors import (
    GatewayError,
    GatewayForbidden,
    GatewayRejected,
    GatewayUnavailable,
    PostconditionFailed,
)
from aforo.gateway_sdk.provision import Seat, Seated, Standing
from aforo.gateways.mulesoft.emulator import ORGANIZATION, ROOT
from aforo.gateways.mulesoft.emulator.seeding import CLIENT_ID
from aforo.gateways.mulesoft.emulator.world import ALL_SCOPES
from tests.credentials.boundaries import DyingLine, hold_at_every_boundary
from tests.gateways.mulesoft.mulesoft_parts import HERE, quiet
from tests.gateways.mulesoft.provision_parts import (
    MINUTE,
    SUBSCRIPTION,
    Shop,
    adopted,
    fresh_world,
    seat,
    wanted,
)

NAME = f"aforo-{SUBSCRIPTION}-cred_a"
WITHOUT_APPLICATIONS = [scope for scope in ALL_SCOPES if not scope.endswith("client_applications")]


def known(wish: Seat, seated: Seated) -> Seat:
    """The seat as Aforo wants it once it has stored the client ids."""
    ids = {key.credential_id: key.native_id for key in seated.keys}
    return replace(wish, keys=tuple(replace(key, native_id=ids.get(key.credential_id)) for key in wish.keys))


async def test_a_seat_is_an_application_in_the_root_organization_with_an_approved_contract_for_each_product() -> None:
    shop = Shop(4)
    there, scope = shop.provisioner(), (shop.product(0), shop.product(1))
    wish = seat(wanted("a", secret="aforo_secret"), scope=scope, limits=(MINUTE,))
    seated = await there.converge(wish)
    assert (seated.standing, seated.scope) == (Standing.ACTIVE, frozenset({"prod_0", "prod_1"}))
    made = shop.application(NAME)
    assert (made["masterOrganizationId"], made["owner"]) == (ROOT, CLIENT_ID)
    key = seated.keys[0]
    assert (key.type, key.native_id, key.secret) == ("client_id", made["clientId"], made["clientSecret"])
    assert set(shop.contracts(made).values()) == {"APPROVED"}
    assert [await shop.opens(one, key.native_id, key.secret) for one in scope] == [200, 200]
    assert await shop.opens(shop.product(2), key.native_id, key.secret) == 403
    assert [await shop.opens(scope[0], key.native_id, key.secret) for _ in range(2)] == [200, 429]
    shop.board.log.clear()
    again = await there.converge(known(wish, seated))
    assert shop.writes() == []
    assert again == replace(seated, keys=(replace(key, secret=None),))


async def test_a_secret_that_was_told_to_nobody_is_replaced_and_a_known_one_never_is() -> None:
    shop = Shop(1)
    there, wish = shop.provisioner(), seat(wanted("a"), scope=(shop.product(),))
    first = (await there.converge(wish)).keys[0]
    second = (await there.converge(wish)).keys[0]
    assert (first.native_id, first.secret != second.secret) == (second.native_id, True)
    assert shop.application(NAME)["clientSecret"] == second.secret
    await there.converge(known(wish, await there.observe(wish)))
    assert shop.application(NAME)["clientSecret"] == second.secret


async def test_a_tier_is_made_only_where_the_instance_wants_one_and_strangers_wait_for_approval() -> None:
    shop = Shop(2)
    bare, tiered = shop.product(0), shop.product(1)
    for row in [row for row in shop.tables["tiers"].values() if str(row["apiId"]) == bare.native_id]:
        row["status"] = "DEPRECATED"
    seated = await shop.provisioner().converge(seat(wanted("a"), scope=(bare, tiered), limits=(MINUTE,)))
    assert seated.scope == {"prod_0", "prod_1"}
    made = [row for row in shop.tables["tiers"].values() if row["name"] == "aforo-pro"]
    assert [(str(row["apiId"]), row["autoApprove"]) for row in made] == [(tiered.native_id, False)]
    assert made[0]["limits"] == [{"maximumRequests": 2, "timePeriodInMilliseconds": 60_000, "visible": True}]


async def test_a_changed_plan_moves_the_contracts_to_its_tier_and_a_deprecated_tier_of_ours_is_used_again() -> None:
    shop = Shop(1)
    there, wish = shop.provisioner(), seat(wanted("a"), scope=(shop.product(),), limits=(MINUTE,))
    first = known(wish, await there.converge(wish))
    await there.converge(replace(first, plan="max", limits=(replace(MINUTE, units=Decimal(9)),)))
    names = {row["id"]: row["name"] for row in shop.tables["tiers"].values()}
    app = shop.application(NAME)
    contract = next(row for row in shop.tables["contracts"].values() if row["applicationId"] == app["id"])
    assert names[contract["tierId"]] == "aforo-max"
    old = next(row for row in shop.tables["tiers"].values() if row["name"] == "aforo-pro")
    old["status"] = "DEPRECATED"
    await there.converge(first)
    assert (names[contract["tierId"]], old["status"]) == ("aforo-pro", "ACTIVE")


async def test_a_suspended_seat_is_refused_and_a_suspended_key_alone_and_both_come_back_as_they_were() -> None:
    shop = Shop(1)
    there, product = shop.provisioner(), shop.product()
    wish = seat(wanted("a"), wanted("b"), scope=(product,))
    before = await there.converge(wish)
    wish = known(wish, before)

    async def calls() -> list[int]:
        return [await shop.opens(product, key.native_id, key.secret) for key in before.keys]

    closed = await there.converge(replace(wish, standing=Standing.SUSPENDED))
    assert (closed.standing, closed.scope, await calls()) == (Standing.SUSPENDED, frozenset(), [403, 403])
    half = await there.converge(replace(wish, keys=(replace(wish.keys[0], standing=Standing.SUSPENDED), wish.keys[1])))
    assert (half.standing, await calls()) == (Standing.ACTIVE, [403, 200])
    contracts = set(shop.tables["contracts"])
    await there.converge(wish)
    assert await calls() == [200, 200]
    assert set(shop.tables["contracts"]) == contracts


async def test_a_seat_that_begins_suspended_never_has_a_live_contract() -> None:
    shop = Shop(1)
    for row in shop.tables["tiers"].values():
        row["status"] = "DEPRECATED"  # without a tier a contract is approved at once
    seated = await shop.provisioner().converge(seat(wanted("a"), standing=Standing.SUSPENDED, scope=(shop.product(),)))
    assert (seated.standing, [key.standing for key in seated.keys]) == (Standing.SUSPENDED, [Standing.SUSPENDED])
    assert shop.contracts(shop.application(NAME)) == {}


async def test_a_rotation_is_a_second_application_on_the_same_tier_and_says_that_limits_count_twice() -> None:
    shop = Shop(1)
    there, product = shop.provisioner(), shop.product()
    wish = seat(wanted("a"), scope=(product,), limits=(MINUTE,))
    first = await there.converge(wish)
    both_wanted = replace(wish, keys=(*known(wish, first).keys, wanted("b")))
    both = await there.converge(both_wanted)
    assert any("that many times the limits" in note for note in both.notes)
    old, new = both.keys[0], both.keys[1]
    assert await shop.opens(product, old.native_id, first.keys[0].secret) == 200
    assert await shop.opens(product, new.native_id, new.secret) == 200
    ours = {shop.application(NAME)["id"], shop.application(f"{NAME[:-1]}b")["id"]}
    assert len({row["tierId"] for row in shop.tables["contracts"].values() if row["applicationId"] in ours}) == 1
    last = await there.converge(known(seat(wanted("a", Standing.GONE), wanted("b"), scope=(product,)), both))
    assert [key.standing for key in last.keys] == [Standing.GONE, Standing.ACTIVE]
    assert not any("that many times" in note for note in last.notes)
    assert await shop.opens(product, old.native_id, first.keys[0].secret) == 401
    assert NAME not in {row["name"] for row in shop.tables["applications"].values()}


async def test_a_product_that_leaves_the_plan_is_closed_though_the_seat_no_longer_names_it() -> None:
    shop = Shop(2)
    there = shop.provisioner()
    wish = seat(wanted("a"), scope=(shop.product(0), shop.product(1)))
    wish = known(wish, await there.converge(wish))
    left = await there.converge(replace(wish, scope=(shop.product(1),)))
    app = shop.application(NAME)
    assert (left.scope, shop.contracts(app)) == (frozenset({"prod_1"}), {shop.product(1).native_id: "APPROVED"})
    assert app["description"].endswith(f"aforo-apis:{shop.product(1).native_id}")
    gone = await there.converge(replace(wish, standing=Standing.GONE, scope=(), keys=()))
    assert (gone.standing, gone.objects, shop.contracts(app)) == (Standing.GONE, (), {})


async def test_an_instance_that_is_gone_holds_nothing_up() -> None:
    shop = Shop(2)
    there = shop.provisioner()
    wish = seat(wanted("a"), scope=(shop.product(0), shop.product(1)))
    wish = known(wish, await there.converge(wish))
    kept = shop.product(1)
    await shop.call("DELETE", f"{HERE}/apis/{shop.product(0).native_id}")
    assert (await there.converge(replace(wish, scope=(kept,)))).scope == {"prod_1"}
    assert (await there.converge(replace(wish, scope=(), standing=Standing.GONE))).standing is Standing.GONE


async def test_an_adopted_application_is_used_as_it_is_and_stays_when_its_key_goes() -> None:
    shop = Shop(2)
    there, acme = shop.provisioner(), shop.application("Acme mobile")
    scope = (shop.product(0), shop.product(1))
    before = shop.picture()
    wish = seat(wanted("a", native_id=acme["clientId"]), scope=scope, adopted=adopted(acme), limits=(MINUTE,))
    shop.board.log.clear()
    seated = await there.converge(wish)
    assert shop.writes() == []
    assert (seated.standing, seated.scope) == (Standing.ACTIVE, frozenset({"prod_0"}))
    assert [(one.native_id, one.adopted) for one in seated.objects] == [(str(acme["id"]), True)]
    assert any("has no approved contract with" in note and scope[1].name in note for note in seated.notes)
    closed = await there.converge(replace(wish, standing=Standing.SUSPENDED))
    assert (closed.standing, shop.contracts(acme)) == (Standing.SUSPENDED, {scope[0].native_id: "REVOKED"})
    await there.converge(wish)
    after = shop.picture()
    for row in (*before["contracts"].values(), *after["contracts"].values()):
        row.pop("audit"), row.pop("approvedDate", None), row.pop("revokedDate", None)
    assert after == before
    gone = replace(wish, standing=Standing.GONE, keys=(wanted("a", Standing.GONE, native_id=acme["clientId"]),))
    assert (await there.converge(gone)).standing is Standing.GONE
    assert shop.contracts(acme) == {scope[0].native_id: "REVOKED"}
    assert shop.application("Acme mobile") == acme


async def test_an_adopted_application_that_waits_for_approval_somewhere_goes_on_waiting() -> None:
    shop = Shop(1)
    globex, product = shop.application("Globex batch"), shop.product()
    wish = seat(wanted("a", native_id=globex["clientId"]), scope=(product,), adopted=adopted(globex))
    with pytest.raises(PostconditionFailed, match="is SUSPENDED at Anypoint"):
        await shop.provisioner().converge(wish)
    assert shop.contracts(globex) == {product.native_id: "PENDING"}
    waiting = await shop.provisioner().converge(
        replace(wish, keys=(replace(wish.keys[0], standing=Standing.SUSPENDED),))
    )
    assert [key.standing for key in waiting.keys] == [Standing.SUSPENDED]
    assert any("has no approved contract with" in note for note in waiting.notes)


async def test_an_adopted_application_is_closed_even_when_its_products_have_left_the_plan() -> None:
    shop = Shop(2)
    acme = shop.application("Acme mobile")
    gone = seat(wanted("a", Standing.GONE, native_id=acme["clientId"]), standing=Standing.GONE, adopted=adopted(acme))
    assert (await shop.provisioner().converge(gone)).standing is Standing.GONE
    assert set(shop.contracts(acme).values()) == {"REVOKED"}


async def test_a_lost_adopted_application_and_a_lost_one_of_ours_are_named_and_not_made_again() -> None:
    shop = Shop(1)
    there, product = shop.provisioner(), shop.product()
    acme = shop.application("Acme mobile")
    for contract in [row for row in shop.tables["contracts"].values() if row["applicationId"] == acme["id"]]:
        shop.app.world.drop("contracts", contract["id"])
    lost = seat(wanted("a", native_id=acme["clientId"]), scope=(product,), adopted=adopted(acme))
    with pytest.raises(GatewayRejected, match="has no contract with any product"):
        await there.converge(lost)
    with pytest.raises(PostconditionFailed, match="no longer at Anypoint"):
        await there.converge(seat(wanted("a", native_id="0123"), scope=(product,)))
    assert not [row for row in shop.tables["applications"].values() if row["name"] == NAME]


async def test_a_name_that_somebody_else_has_is_refused_in_words() -> None:
    shop = Shop(1)
    theirs = {"name": NAME, "description": "not marked"}
    await shop.call("POST", f"/exchange/api/v2/organizations/{ROOT}/applications", theirs)
    before = shop.picture()
    with pytest.raises(GatewayRejected, match="is not ours"):
        await shop.provisioner().converge(seat(wanted("a"), scope=(shop.product(),)))
    assert shop.picture() == before


async def test_a_tier_of_that_name_without_our_mark_is_refused_and_stays() -> None:
    shop = Shop(1)
    product = shop.product()
    limits: list[Any] = []
    theirs = {"name": "aforo-pro", "description": "mine", "status": "ACTIVE", "limits": limits}
    await shop.call("POST", f"{HERE}/apis/{product.native_id}/tiers", theirs)
    with pytest.raises(GatewayRejected, match="does not carry Aforo's mark"):
        await shop.provisioner().converge(seat(wanted("a"), scope=(product,)))
    assert [row["description"] for row in shop.tables["tiers"].values() if row["name"] == "aforo-pro"] == ["mine"]


async def test_an_application_with_our_mark_that_nobody_promised_is_deleted() -> None:
    shop = Shop(1)
    there, product = shop.provisioner(), shop.product()
    wish = seat(wanted("a"), wanted("b"), scope=(product,))
    wish = known(wish, await there.converge(wish))
    after = await there.converge(replace(wish, keys=wish.keys[:1]))
    assert [key.credential_id for key in after.keys] == ["cred_a"]
    assert wish.keys[1].native_id not in await shop.live_keys()


async def test_an_instance_that_asks_for_no_client_id_is_told() -> None:
    shop = Shop(1)
    product = shop.product()
    shop.without_policies(product)
    seated = await shop.provisioner().converge(seat(wanted("a"), scope=(product,)))
    assert any("anybody may call it" in note for note in seated.notes)


async def test_an_application_that_is_not_shown_is_not_gone_unless_the_scopes_say_so() -> None:
    shop = Shop(1)
    wish = seat(wanted("a"), scope=(shop.product(),))
    wish = known(wish, await shop.provisioner().converge(wish))
    shop.switches.scopes = frozenset(WITHOUT_APPLICATIONS)
    gone = replace(wish, standing=Standing.GONE, keys=(replace(wish.keys[0], standing=Standing.GONE),))
    with pytest.raises(GatewayForbidden, match="View Client Applications"):
        await shop.provisioner().converge(gone)
    assert set(shop.contracts(shop.application(NAME)).values()) == {"APPROVED"}
    shop.switches.scopes = None
    assert (await shop.provisioner().converge(gone)).standing is Standing.GONE


async def test_everybody_is_found_with_ids_and_never_secrets_and_only_marked_objects_are_removed() -> None:
    shop = Shop(2)
    there, scope = shop.provisioner(), (shop.product(0), shop.product(1))
    secret = (await there.converge(seat(wanted("a"), scope=scope))).keys[0].secret or ""
    found = await there.existing(scope, quiet)
    assert not found.partial
    assert secret not in repr(found)
    by_name = {one.name: one for one in found.consumers}
    ours, acme, globex = by_name[NAME], by_name["Acme mobile"], by_name["Globex batch"]
    assert (ours.subscription_id, ours.scope) == (SUBSCRIPTION, frozenset({one.native_id for one in scope}))
    assert (acme.subscription_id, acme.scope) == (None, frozenset({scope[0].native_id}))
    assert [key.standing for one in (acme, globex) for key in one.keys] == [Standing.ACTIVE, Standing.SUSPENDED]
    assert by_name["Smoke test"].subscription_id is None
    with pytest.raises(GatewayError, match="does not carry Aforo's mark"):
        await there.remove(acme)
    with pytest.raises(GatewayError, match="does not carry Aforo's mark"):
        await there.remove(replace(by_name["Smoke test"], subscription_id=SUBSCRIPTION))
    await there.remove(ours)
    await there.remove(ours)
    names = sorted(row["name"] for row in shop.tables["applications"].values())
    assert names == ["Acme mobile", "Globex batch", "Smoke test"]


@pytest.mark.parametrize("lost", ["client_applications", "api_contracts"])
async def test_a_list_of_everybody_without_a_scope_is_partial(lost: str) -> None:
    shop = Shop(2, scopes=[scope for scope in ALL_SCOPES if not scope.endswith(lost)])
    found = await shop.provisioner().existing((shop.product(0),), quiet)
    assert found.partial
    whole = Shop(2, scopes=ALL_SCOPES, tells_scopes=True)
    whole.app.world.drop("applications", whole.application("Smoke test")["id"])
    assert not (await whole.provisioner().existing((whole.product(1),), quiet)).partial


async def test_a_crash_between_any_two_calls_leaves_nothing_that_the_next_run_does_not_finish() -> None:
    shop = Shop(4)
    one, two = shop.product(0), shop.product(1)
    full = seat(wanted("a"), wanted("b"), scope=(one,), limits=(MINUTE,))
    assert await hold_at_every_boundary(fresh_world, full) > 12
    rotated = seat(wanted("a", Standing.GONE), wanted("b"), wanted("c"), scope=(two,))
    await hold_at_every_boundary(fresh_world, rotated, before=full)


@pytest.mark.long
async def test_a_crash_while_suspending_restoring_or_removing_is_finished_as_well() -> None:
    scope = (Shop(4).product(0), Shop(4).product(1))
    full = seat(wanted("a"), wanted("b"), scope=scope)
    half = replace(full, keys=(wanted("a", Standing.SUSPENDED), wanted("b")))
    await hold_at_every_boundary(fresh_world, replace(full, standing=Standing.SUSPENDED), before=full)
    await hold_at_every_boundary(fresh_world, full, before=half)
    gone = seat(wanted("a", Standing.GONE), wanted("b", Standing.GONE), standing=Standing.GONE, scope=scope)
    await hold_at_every_boundary(fresh_world, gone, before=full)


async def test_a_change_of_scope_that_dies_anywhere_and_is_then_taken_back_leaves_no_contract_out_of_sight() -> None:
    for calls in range(1, 100):
        shop = Shop(2)
        wish = seat(wanted("a"), scope=(shop.product(0),))
        wish = known(wish, await shop.provisioner().converge(wish))
        line = DyingLine(httpx2.ASGITransport(app=shop.board), calls, lost=True)
        with contextlib.suppress(GatewayUnavailable):
            await shop.provisioner(httpx2.AsyncClient(transport=line)).converge(replace(wish, scope=(shop.product(1),)))
        await shop.provisioner().converge(wish)
        assert shop.contracts(shop.application(NAME)) == {shop.product(0).native_id: "APPROVED"}, calls
        if not line.died:
            return
    raise AssertionError("converge never ended")


async def test_client_applications_are_asked_for_in_the_root_organization_alone() -> None:
    shop = Shop(1)
    await shop.provisioner().converge(seat(wanted("a"), scope=(shop.product(),)))
    asked = [path for _, path in shop.board.log if "/exchange/" in path]
    assert asked
    assert not [path for path in asked if ORGANIZATION in path]
