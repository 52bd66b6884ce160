"""A seat at Kong: made, changed, suspended and removed, and what is beside it is left alone."""

from dataclasses import replace
from decimal import Decimal

import pytest

from aforo.gateway_sdk.errors import GatewayError, PostconditionFailed
from aforo.gateway_sdk.pricing import Limit
from aforo.gateway_sdk.provision import Standing
from tests.credentials.boundaries import hold_at_every_boundary
from tests.gateways.kong.kong_parts import quiet
from tests.gateways.kong.provision_parts import SUBSCRIPTION, Kong, adopted, seat, wanted, world

PAYMENTS = "payments-v2"
MINUTE = Limit("api_calls", Decimal(2), "minute", 60, is_rate=True)


@pytest.mark.parametrize("konnect", [False, True])
async def test_a_seat_is_a_consumer_whose_keys_open_the_products_of_its_plan_and_no_others(konnect: bool) -> None:
    kong = Kong(konnect=konnect)
    there = kong.provisioner()
    wish = seat(wanted("a", secret="aforo_secret"), wanted("b"), scope=(await kong.product(PAYMENTS),))
    seated = await there.converge(wish)
    assert seated.standing is Standing.ACTIVE
    assert seated.scope == {"prod_payments-v2"}
    assert [(key.credential_id, key.type, key.standing) for key in seated.keys] == [
        ("cred_a", "key_auth", Standing.ACTIVE),
        ("cred_b", "key_auth", Standing.ACTIVE),
    ]
    secrets = [key.secret or "" for key in seated.keys]
    assert secrets[0] == "aforo_secret"
    assert len(secrets[1]) == 32
    consumer = next(row for row in await kong.rows("consumers") if row["custom_id"] == SUBSCRIPTION)
    assert consumer["tags"] == ["aforo", f"aforo-subscription:{SUBSCRIPTION}"]
    assert seated.objects[0].native_id == consumer["id"]
    if not konnect:
        assert [await kong.opens(secret) for secret in secrets] == [200, 200]
        assert await kong.opens(secrets[0], "/v1/search") == 403
    kong.board.log.clear()
    assert await there.converge(wish) == seated
    assert kong.writes() == []


@pytest.mark.parametrize("konnect", [False, True])
async def test_a_suspended_seat_is_refused_and_a_suspended_key_alone_and_both_come_back_as_they_were(
    konnect: bool,
) -> None:
    kong = Kong(konnect=konnect)
    there = kong.provisioner()
    product = await kong.product(PAYMENTS)
    before = await there.converge(seat(wanted("a"), wanted("b"), scope=(product,)))
    first, second = (key.secret or "" for key in before.keys)
    closed = await there.converge(seat(wanted("a"), wanted("b"), standing=Standing.SUSPENDED, scope=(product,)))
    assert (closed.standing, closed.scope) == (Standing.SUSPENDED, frozenset())
    assert await kong.live_keys() & {key.native_id for key in before.keys} == set()
    half = await there.converge(seat(wanted("a", Standing.SUSPENDED), wanted("b"), scope=(product,)))
    assert [key.standing for key in half.keys] == [Standing.SUSPENDED, Standing.ACTIVE]
    assert await kong.live_keys() & {key.native_id for key in before.keys} == {before.keys[1].native_id}
    if not konnect:
        assert (await kong.opens(first), await kong.opens(second)) == (403, 200)
    assert await there.converge(seat(wanted("a"), wanted("b"), scope=(product,))) == before
    assert [row["username"] for row in await kong.rows("consumers") if "suspended" in row["username"]] == []
    if not konnect:
        assert (await kong.opens(first), await kong.opens(second)) == (200, 200)


async def test_a_rotated_key_goes_a_left_product_closes_and_a_cancelled_seat_leaves_nothing() -> None:
    kong = Kong()
    there = kong.provisioner()
    kept = {name: await kong.rows(name) for name in ("consumers", "key-auths", "acls", "plugins")}
    first = await there.converge(
        seat(wanted("a"), scope=(await kong.product(PAYMENTS), await kong.product("search-v1")))
    )
    assert first.scope == {"prod_payments-v2", "prod_search-v1"}
    both = await there.converge(seat(wanted("a"), wanted("b"), scope=(await kong.product("search-v1"),)))
    assert both.scope == {"prod_search-v1"}
    old, new = (key.secret or "" for key in both.keys)
    after = await there.converge(seat(wanted("a", Standing.GONE), wanted("b")))
    assert [key.standing for key in after.keys] == [Standing.GONE, Standing.ACTIVE]
    assert (await kong.opens(old, "/v1/orders"), await kong.opens(new, "/v1/orders")) == (401, 200)
    gone = await there.converge(seat(wanted("b", Standing.GONE), standing=Standing.GONE))
    assert (gone.standing, gone.objects) == (Standing.GONE, ())
    assert {name: await kong.rows(name) for name in kept} == kept
    assert (await there.observe(seat())).standing is Standing.GONE


async def test_limits_are_the_consumers_own_and_what_kong_cannot_count_is_told() -> None:
    kong = Kong()
    there = kong.provisioner()
    tokens = Limit("tokens", Decimal(10), "month", 2_592_000)
    wish = seat(wanted("a"), limits=(MINUTE, Limit("api_calls", Decimal(9), "month", 2_592_000), tokens))
    seated = await there.converge(wish)
    assert seated.notes[-1] == "Not carried: 10 tokens per month: Kong counts calls only."
    secret = seated.keys[0].secret or ""
    assert [await kong.opens(secret, "/v1/orders") for _ in range(3)] == [200, 200, 429]
    await there.converge(replace(wish, limits=(replace(MINUTE, units=Decimal(100)),)))
    limiting = [row for row in await kong.rows("plugins") if row["consumer"] and row["name"] == "rate-limiting"]
    assert [(row["config"]["minute"], row["config"]["month"]) for row in limiting] == [(100, None)]
    await there.converge(replace(wish, limits=()))
    assert not [row for row in await kong.rows("plugins") if row["consumer"]]


async def test_a_service_that_does_not_ask_for_keys_or_groups_is_told_and_not_changed() -> None:
    kong = Kong()
    for row in await kong.rows("plugins"):
        if row["name"] in ("key-auth", "acl") and row["service"]:
            await kong.call("DELETE", f"/plugins/{row['id']}")
    service = (await kong.product("search-v1")).native_id
    await kong.call("POST", f"/services/{service}/plugins", {"name": "acl", "config": {"allow": ["partners"]}})
    plugins = await kong.rows("plugins")
    scope = (await kong.product(PAYMENTS), await kong.product("search-v1"))
    seated = await kong.provisioner().converge(seat(scope=scope))
    assert seated.scope == {"prod_payments-v2"}
    assert [note.split(",")[0].split(".")[0] for note in seated.notes] == [
        "Service payments-v2 has no key-auth plugin of its own",
        "Service payments-v2 has no acl plugin",
        "Service search-v1 has no key-auth plugin of its own",
        "Service search-v1 does not allow the group product-search-v1",
    ]
    assert await kong.rows("plugins") == plugins


async def test_an_adopted_consumer_keeps_its_name_other_keys_and_groups_through_a_whole_life() -> None:
    kong = Kong()
    there = kong.provisioner()
    acme = next(row for row in await kong.rows("consumers") if row["username"] == "acme")
    other = await kong.call("POST", "/consumers/acme/key-auth", {"key": "not-adopted"})
    key = next(row for row in await kong.rows("key-auths") if row["consumer"]["id"] == acme["id"] and row != other)
    before = {name: await kong.rows(name) for name in ("consumers", "key-auths", "acls", "plugins")}
    wish = seat(
        wanted("a", native_id=key["id"]),
        adopted=adopted(acme["id"]),
        scope=(await kong.product(PAYMENTS),),
        limits=(MINUTE,),
    )
    kong.board.log.clear()
    seated = await there.converge(wish)
    assert kong.writes() == []
    assert (seated.standing, seated.scope) == (Standing.ACTIVE, frozenset({"prod_payments-v2"}))
    assert [(one.native_id, one.adopted) for one in seated.objects] == [(acme["id"], True)]
    closed = await there.converge(replace(wish, standing=Standing.SUSPENDED))
    assert closed.standing is Standing.SUSPENDED
    assert (await kong.opens(key["key"]), await kong.opens("not-adopted")) == (403, 200)
    await there.converge(wish)
    assert {name: await kong.rows(name) for name in before} == before
    gone = replace(wish, standing=Standing.GONE, keys=(wanted("a", Standing.GONE, native_id=key["id"]),))
    assert (await there.converge(gone)).standing is Standing.GONE
    assert await kong.rows("consumers") == before["consumers"]
    assert await kong.rows("key-auths") == [row for row in before["key-auths"] if row["id"] != key["id"]]
    assert await kong.rows("acls") == before["acls"]


async def test_a_foreign_key_on_our_consumer_is_named_and_left_there() -> None:
    kong = Kong()
    there = kong.provisioner()
    seated = await there.converge(seat(wanted("a")))
    planted = await kong.call("POST", f"/consumers/{seated.objects[0].native_id}/key-auth", {"key": "planted"})
    with pytest.raises(PostconditionFailed, match=planted["id"]):
        await there.converge(seat(wanted("a")))
    assert planted["id"] in await kong.live_keys()


async def test_a_termination_that_somebody_else_set_at_our_consumer_is_told_and_stays() -> None:
    kong = Kong()
    there = kong.provisioner()
    consumer = (await there.converge(seat(wanted("a")))).objects[0].native_id
    closed = {"name": "request-termination", "consumer": {"id": consumer}}
    planted = await kong.call("POST", "/plugins", closed)
    with pytest.raises(PostconditionFailed, match="is SUSPENDED at Kong"):
        await there.converge(seat(wanted("a")))
    assert planted["id"] in {row["id"] for row in await kong.rows("plugins")}


async def test_a_key_with_our_mark_that_nobody_promised_is_deleted() -> None:
    kong = Kong()
    there = kong.provisioner()
    seated = await there.converge(seat(wanted("a"), wanted("b")))
    after = await there.converge(seat(wanted("a")))
    assert [key.native_id for key in after.keys] == [seated.keys[0].native_id]
    assert seated.keys[1].native_id not in await kong.live_keys()


async def test_everybody_is_found_with_hashes_and_never_secrets_and_only_marked_objects_are_removed() -> None:
    kong = Kong()
    there = kong.provisioner()
    secret = (await there.converge(seat(wanted("a")))).keys[0].secret or ""
    found = await there.existing((await kong.product(PAYMENTS), await kong.product("search-v1")), quiet)
    assert not found.partial
    assert secret not in repr(found)
    by_name = {one.name: one for one in found.consumers}
    ours, acme = by_name[f"aforo-{SUBSCRIPTION}"], by_name["acme"]
    assert (ours.subscription_id, len(ours.keys)) == (SUBSCRIPTION, 1)
    assert (acme.subscription_id, acme.external_id) == (None, "crm-acme")
    assert acme.scope == {(await kong.product(PAYMENTS)).native_id}
    with pytest.raises(GatewayError, match="does not carry Aforo's mark"):
        await there.remove(acme)
    with pytest.raises(GatewayError, match="does not carry Aforo's mark"):
        await there.remove(replace(acme, subscription_id=SUBSCRIPTION))
    await there.remove(ours)
    await there.remove(ours)
    assert sorted(row["username"] for row in await kong.rows("consumers")) == [
        "acme",
        "globex",
        "initech",
        "umbrella",
    ]


@pytest.mark.parametrize("konnect", [False, pytest.param(True, marks=pytest.mark.long)])
async def test_a_crash_between_any_two_calls_leaves_nothing_that_the_next_run_does_not_finish(konnect: bool) -> None:
    product = await Kong(konnect=konnect).product(PAYMENTS)
    full = seat(wanted("a", secret="aforo_secret"), wanted("b"), scope=(product,), limits=(MINUTE,))
    fresh = world(konnect=konnect)
    assert await hold_at_every_boundary(fresh, full) > 8
    rotated = seat(wanted("a", Standing.GONE), wanted("b"), wanted("c"), limits=(replace(MINUTE, units=Decimal(5)),))
    await hold_at_every_boundary(fresh, rotated, before=full)
    await hold_at_every_boundary(fresh, replace(full, standing=Standing.SUSPENDED), before=full)
    half = replace(full, keys=(wanted("a", Standing.SUSPENDED, secret="aforo_secret"), wanted("b")))
    await hold_at_every_boundary(fresh, half, before=full)
    await hold_at_every_boundary(fresh, full, before=half)
    await hold_at_every_boundary(
        fresh, seat(wanted("a", Standing.GONE), wanted("b", Standing.GONE), standing=Standing.GONE), before=full
    )


async def test_a_kong_that_runs_from_a_file_says_so_in_words() -> None:
    kong = Kong(database="off")
    with pytest.raises(GatewayError, match="runs from a declarative file"):
        await kong.provisioner().converge(seat(wanted("a")))
