"""A seat at AWS: made, changed, suspended and removed, with what AWS lacks told in words."""

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest

from aforo.gateway_sdk.errors import GatewayError, PostconditionFailed
from aforo.gateway_sdk.pricing import Limit
from aforo.gateway_sdk.provision import Adopted, Standing
from tests.gateways.aws.provision_parts import SECRET, SUBSCRIPTION, Account, seat, wanted

MONTH = Limit("api_calls", Decimal(1_000), "month", 2_592_000)
RATE = Limit("api_calls", Decimal(60), "minute", 60, is_rate=True)


async def test_a_seat_is_keys_in_one_usage_plan_for_its_stages_and_no_others() -> None:
    account = Account()
    there = account.provisioner()
    scope = await account.products("TranslationAPI/prod", "GeocodingAPI")
    wish = seat(wanted("a", secret=SECRET), wanted("b"), scope=scope, limits=(MONTH, RATE))
    seated = await there.converge(wish)
    assert (seated.standing, seated.scope) == (Standing.ACTIVE, frozenset(one.id for one in scope))
    assert [(key.credential_id, key.type, key.standing) for key in seated.keys] == [
        ("cred_a", "api_key", Standing.ACTIVE),
        ("cred_b", "api_key", Standing.ACTIVE),
    ]
    assert seated.keys[0].secret == SECRET
    assert len(seated.keys[1].secret or "") >= 20
    row = account.api_keys()[seated.keys[0].native_id]
    assert (row["name"], row["customerId"]) == (f"aforo-{SUBSCRIPTION}-cred_a", "cust_1")
    assert row["tags"]["aforo:subscription"] == SUBSCRIPTION
    for key in seated.keys:
        assert account.opened(key.native_id) == {one.native_id for one in scope}
    (made,) = [account.plans()[one.native_id] for one in seated.objects]
    assert made["quota"] == {"limit": 1_000, "period": "MONTH"}
    assert made["throttle"] == {"rateLimit": 1.0, "burstLimit": 60}
    assert made["tags"] == {"managed-by": "aforo", "aforo:plan": "pro"}
    account.board.log.clear()
    assert await there.converge(wish) == seated
    assert account.writes() == []


async def test_a_suspended_seat_is_shut_and_a_suspended_key_alone_and_both_come_back_with_their_keys() -> None:
    account = Account()
    there = account.provisioner()
    scope = await account.products("GeocodingAPI")
    before = await there.converge(seat(wanted("a"), wanted("b"), scope=scope))
    ids = [key.native_id for key in before.keys]
    shut = await there.converge(seat(wanted("a"), wanted("b"), standing=Standing.SUSPENDED, scope=scope))
    assert (shut.standing, shut.scope) == (Standing.SUSPENDED, frozenset())
    assert [account.opened(one) for one in ids] == [set(), set()]
    half = await there.converge(seat(wanted("a", Standing.SUSPENDED), wanted("b"), scope=scope))
    assert [key.standing for key in half.keys] == [Standing.SUSPENDED, Standing.ACTIVE]
    assert (half.standing, half.scope) == (Standing.ACTIVE, frozenset({scope[0].id}))
    assert await there.converge(seat(wanted("a"), wanted("b"), scope=scope)) == before


async def test_a_rotation_has_both_keys_alive_and_says_that_each_has_a_quota_of_its_own() -> None:
    account = Account()
    there = account.provisioner()
    scope = await account.products("GeocodingAPI")
    await there.converge(seat(wanted("a"), scope=scope, limits=(MONTH,)))
    both = await there.converge(seat(wanted("a"), wanted("b"), scope=scope, limits=(MONTH,)))
    assert "2 keys are alive. AWS counts a quota and a rate for each key by itself" in both.notes[0]
    old, new = (key.native_id for key in both.keys)
    after = await there.converge(seat(wanted("a", Standing.GONE), wanted("b"), scope=scope, limits=(MONTH,)))
    assert [key.standing for key in after.keys] == [Standing.GONE, Standing.ACTIVE]
    assert after.notes == ()
    assert (old in account.api_keys(), account.opened(new)) == (False, {scope[0].native_id})


async def test_a_left_product_closes_and_a_cancelled_seat_leaves_no_key_and_no_plan() -> None:
    account = Account()
    there = account.provisioner()
    before = account.picture()
    scope = await account.products("TranslationAPI/prod", "GeocodingAPI")
    first = await there.converge(seat(wanted("a"), scope=scope))
    fewer = await there.converge(seat(wanted("a"), scope=scope[:1]))
    assert first.keys[0].native_id == fewer.keys[0].native_id
    assert account.opened(first.keys[0].native_id) == {scope[0].native_id}
    assert first.objects[0].native_id not in account.plans()
    gone = await there.converge(seat(wanted("a", Standing.GONE), standing=Standing.GONE, scope=scope[:1]))
    assert (gone.standing, gone.objects) == (Standing.GONE, ())
    assert account.picture() == before
    assert (await there.observe(seat(wanted("a")))).standing is Standing.GONE


async def test_two_subscriptions_share_a_usage_plan_only_if_their_plan_scope_and_limits_are_the_same() -> None:
    account = Account()
    there = account.provisioner()
    scope = await account.products("GeocodingAPI")
    one = seat(wanted("a"), scope=scope, limits=(MONTH,))
    first = await there.converge(one)
    second = await there.converge(replace(one, subscription_id="sub_2"))
    older = await there.converge(replace(one, subscription_id="sub_3", limits=(replace(MONTH, units=Decimal(9)),)))
    assert second.objects == first.objects != older.objects
    await there.converge(replace(one, standing=Standing.GONE, keys=()))
    assert first.objects[0].native_id in account.plans()
    assert account.opened(second.keys[0].native_id) == {scope[0].native_id}


async def test_seats_of_a_new_plan_that_are_made_at_the_same_time_make_one_usage_plan() -> None:
    account = Account()
    there = account.provisioner()
    one = seat(wanted("a"), scope=await account.products("GeocodingAPI"))
    made = await asyncio.gather(*(there.converge(replace(one, subscription_id=f"sub_{n}")) for n in range(5)))
    assert len({seated.objects for seated in made}) == 1
    assert len(account.plans()) == 4  # with the three that were there


async def test_an_http_api_gets_no_key_and_a_note_and_a_rest_api_beside_it_gets_its_key() -> None:
    account = Account(size=6)
    there = account.provisioner()
    weather, geo = await account.products("WeatherAPI", "GeocodingAPI")
    before = account.picture()
    alone = await there.converge(seat(wanted("a"), scope=(weather,)))
    assert (alone.standing, alone.keys, alone.scope) == (Standing.ACTIVE, (), frozenset())
    assert alone.notes[0].startswith("WeatherAPI is an HTTP API.")
    assert account.picture() == before
    both = await there.converge(seat(wanted("a"), scope=(weather, geo)))
    assert (len(both.keys), both.scope) == (1, frozenset({geo.id}))
    assert both.notes == alone.notes


async def test_an_adopted_key_keeps_its_plan_name_and_tags_through_a_whole_life() -> None:
    account = Account()
    there = account.provisioner()
    key_id = next(key for key, row in account.api_keys().items() if row["name"] == "acme-bronze")
    scope = [one for one in await account.products("") if one.native_id in account.opened(key_id)]
    before = account.picture()
    wish = seat(wanted("a", native_id=key_id), scope=tuple(scope), adopted=Adopted(key_id), limits=(MONTH,))
    account.board.log.clear()
    seated = await there.converge(wish)
    assert account.writes() == []
    assert (seated.standing, seated.scope) == (Standing.ACTIVE, frozenset(one.id for one in scope))
    assert [(one.native_id, one.adopted) for one in seated.objects] == [(key_id, True)]
    assert "not Aforo's" in seated.notes[0]
    await there.converge(replace(wish, standing=Standing.SUSPENDED))
    assert account.opened(key_id) == set()
    await there.converge(replace(wish, keys=(wanted("a", native_id=key_id), wanted("b"))))
    await there.converge(wish)
    assert account.picture() == before
    gone = replace(wish, standing=Standing.GONE, keys=(wanted("a", Standing.GONE, native_id=key_id),))
    assert (await there.converge(gone)).standing is Standing.GONE
    assert key_id not in account.api_keys()
    assert account.plans() == before[1]


async def test_an_adopted_key_that_lacks_a_product_gets_a_usage_plan_for_that_alone() -> None:
    account = Account()
    there = account.provisioner()
    key_id = next(key for key, row in account.api_keys().items() if row["name"] == "acme-bronze")
    scope = await account.products("")
    before = account.picture()
    theirs = account.opened(key_id)
    wish = seat(wanted("a", native_id=key_id), scope=scope, adopted=Adopted(key_id))
    seated = await there.converge(wish)
    made = account.plans()[seated.objects[1].native_id]
    assert {f"{one['apiId']}/{one['stage']}" for one in made["apiStages"]} == {
        one.native_id for one in scope if not one.native_id.startswith("v2:")
    } - theirs
    await there.converge(replace(wish, standing=Standing.GONE, keys=()))
    assert account.picture() == before


async def test_a_key_that_only_aws_knew_and_that_is_gone_is_told_and_not_replaced() -> None:
    account = Account()
    there = account.provisioner()
    seated = await there.converge(seat(wanted("a")))
    key_id = seated.keys[0].native_id
    account.do("DeleteApiKey", apiKey=key_id)
    with pytest.raises(PostconditionFailed, match=key_id):
        await there.converge(seat(wanted("a", native_id=key_id)))
    again = await there.converge(seat(wanted("a", native_id=key_id, secret=SECRET)))
    assert again.keys[0].secret == SECRET


async def test_a_usage_plan_of_ours_that_somebody_changed_gets_its_stages_back_and_its_limits_are_told() -> None:
    account = Account()
    there = account.provisioner()
    scope = await account.products("TranslationAPI", "GeocodingAPI")
    seated = await there.converge(seat(wanted("a"), scope=scope[:1], limits=(MONTH,)))
    plan_id, other = seated.objects[0].native_id, scope[1].native_id.replace("/", ":")
    mine = scope[0].native_id.replace("/", ":")
    edits = [
        {"op": "add", "path": "/apiStages", "value": other},
        {"op": "remove", "path": "/apiStages", "value": mine},
        {"op": "replace", "path": "/quota/limit", "value": "7"},
    ]
    account.do("UpdateUsagePlan", usagePlanId=plan_id, patchOperations=edits)
    again = await there.converge(seat(wanted("a"), scope=scope[:1], limits=(MONTH,)))
    assert account.opened(again.keys[0].native_id) == {scope[0].native_id}
    assert "has other limits than the plan" in again.notes[0]
    assert account.plans()[plan_id]["quota"]["limit"] == 7


async def test_everybody_is_found_with_hashes_and_never_secrets_and_only_marked_keys_are_removed() -> None:
    account = Account()
    there = account.provisioner()
    before = account.picture()
    scope = await account.products("GeocodingAPI")
    seated = await there.converge(seat(wanted("a", secret=SECRET), wanted("b"), scope=scope))
    found = await there.existing(scope, lambda *_: None)
    assert not found.partial
    assert SECRET not in repr(found)
    by_name = {one.name: one for one in found.consumers}
    ours, acme = by_name[f"aforo-{SUBSCRIPTION}"], by_name["acme-gold"]
    assert (ours.subscription_id, ours.scope, len(ours.keys)) == (SUBSCRIPTION, frozenset({scope[0].native_id}), 2)
    assert {key.native_id for key in ours.keys} == {key.native_id for key in seated.keys}
    assert (acme.subscription_id, len(acme.keys), len(acme.keys[0].sha256 or "")) == (None, 1, 64)
    assert acme.keys[0].created_at is not None
    with pytest.raises(GatewayError, match="does not carry Aforo's mark"):
        await there.remove(acme)
    with pytest.raises(GatewayError, match="does not carry Aforo's mark"):
        await there.remove(replace(acme, subscription_id="sub_other"))
    await there.remove(ours)
    await there.remove(ours)
    assert account.picture() == before


async def test_a_subscription_is_no_drift_of_the_stages_that_it_opens() -> None:
    account = Account()
    before = {one.native_id: one.config_digest for one in await account.found()}
    await account.provisioner().converge(seat(wanted("a"), scope=await account.products("Translation")))
    assert {one.native_id: one.config_digest for one in await account.found()} == before
