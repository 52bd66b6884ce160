"""A seat at Azure: made, changed, suspended and removed; adopted ones; and what is beside it is left alone."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aforo.gateway_sdk.emulator import Receive, Scope, Send
from aforo.gateway_sdk.errors import GatewayError, PostconditionFailed
from aforo.gateway_sdk.pricing import Limit
from aforo.gateway_sdk.provision import Adopted, Seat, Standing
from tests.gateways.azure.azure_parts import quiet
from tests.gateways.azure.provision_parts import (
    ORDERS,
    PAYMENTS,
    SID,
    SUBSCRIPTION,
    TRANSLATION,
    WEATHER,
    Azure,
    seat,
    wanted,
)
from tests.gateways.azure.vendor import Described

ACTIVE, SUSPENDED, GONE = Standing.ACTIVE, Standing.SUSPENDED, Standing.GONE
DAY = Limit("api_calls", Decimal(1000), "day", 86_400)


async def test_a_seat_is_a_user_with_one_azure_subscription_whose_two_keys_are_the_credentials() -> None:
    azure = Azure()
    there = azure.provisioner()
    wish = seat(wanted("a", secret="aforo_secret"), wanted("b"))
    seated = await there.converge(wish)
    assert seated.standing is ACTIVE
    assert seated.scope == {"prod_orders"}
    assert [(key.credential_id, key.type, key.native_id, key.standing) for key in seated.keys] == [
        ("cred_a", "subscription", SID, ACTIVE),
        ("cred_b", "subscription", f"{SID}/secondary", ACTIVE),
    ]
    assert [(one.kind, one.native_id) for one in seated.objects] == [("subscription", SID), ("user", SID)]
    secrets = [key.secret for key in seated.keys]
    assert secrets[0] == "aforo_secret"
    assert len(secrets[1] or "") == 32
    assert [azure.opens(secret) for secret in secrets] == [["orders"], ["orders"]]
    assert azure.hand("GET", f"users/{SID}")["properties"]["email"] == f"{SID}@subscribers.aforo.invalid"
    azure.board.log.clear()
    assert await there.converge(wish) == seated
    assert azure.writes() == []


async def test_no_write_makes_azure_send_a_mail() -> None:
    azure = Azure()
    asked: list[str] = []

    async def heard(scope: Scope, receive: Receive, send: Send) -> None:
        asked.append(f"{scope['method']} {scope['path']}?{scope['query_string'].decode()}")
        await azure.app(scope, receive, send)

    there = azure.provisioner(app=heard)
    await there.converge(seat(wanted("a")))
    await there.converge(seat(wanted("a"), standing=SUSPENDED))
    await there.converge(seat(standing=GONE))
    told = [one for one in asked if one.startswith(("PUT", "PATCH", "DELETE")) and ("/users/" in one or "PUT" in one)]
    assert len(told) == 3
    assert all("notify=false" in one for one in told)


async def test_what_the_provisioner_sends_and_is_answered_is_as_the_vendor_describes() -> None:
    azure = Azure(polls=1)
    described = Described(azure.app)
    there = azure.provisioner(app=described)
    await there.converge(seat(wanted("a"), wanted("b"), scope=(ORDERS, WEATHER)))
    await there.converge(seat(wanted("a", GONE), wanted("b"), wanted("c"), standing=SUSPENDED))
    await there.existing((ORDERS,), quiet)
    await there.converge(seat(standing=GONE))
    assert described.faults == []


async def test_a_suspended_seat_is_refused_and_comes_back_with_its_keys() -> None:
    azure = Azure()
    there = azure.provisioner()
    before = await there.converge(seat(wanted("a"), wanted("b")))
    closed = await there.converge(seat(wanted("a"), wanted("b"), standing=SUSPENDED))
    assert (closed.standing, closed.scope) == (SUSPENDED, frozenset())
    assert {key.standing for key in closed.keys} == {SUSPENDED}
    assert [azure.opens(key.secret) for key in before.keys] == [[], []]
    assert await there.converge(seat(wanted("a"), wanted("b"))) == before
    assert [azure.opens(key.secret) for key in before.keys] == [["orders"], ["orders"]]


async def test_one_of_two_keys_is_taken_out_and_put_back_if_aforo_knows_it_and_else_refused_in_words() -> None:
    azure = Azure()
    there = azure.provisioner()
    first = wanted("a", secret="aforo_secret")
    before = await there.converge(seat(first, wanted("b")))
    half = await there.converge(seat(replace(first, standing=SUSPENDED), wanted("b")))
    assert [key.standing for key in half.keys] == [SUSPENDED, ACTIVE]
    assert (azure.opens("aforo_secret"), azure.opens(before.keys[1].secret)) == ([], ["orders"])
    await there.converge(seat(first, wanted("b")))
    assert azure.opens("aforo_secret") == ["orders"]
    with pytest.raises(GatewayError, match="does not know its secret"):
        await there.converge(seat(first, wanted("b", SUSPENDED, native_id=f"{SID}/secondary")))
    assert len(azure.opens(before.keys[1].secret)) == 1


async def test_a_rotated_key_is_replaced_by_one_that_nobody_knows_and_its_slot_serves_the_next_rotation() -> None:
    azure = Azure()
    there = azure.provisioner()
    a = (await there.converge(seat(wanted("a")))).keys[0]
    b = (await there.converge(seat(wanted("a"), wanted("b")))).keys[1]
    assert (azure.opens(a.secret), azure.opens(b.secret)) == (["orders"], ["orders"])
    after = await there.converge(seat(wanted("a", GONE, native_id=a.native_id), wanted("b", native_id=b.native_id)))
    assert [key.standing for key in after.keys] == [GONE, ACTIVE]
    assert (azure.opens(a.secret), azure.opens(b.secret)) == ([], ["orders"])
    assert await azure.live_keys() - {f"aforo-{SUBSCRIPTION}/secondary"} == await Azure().live_keys()
    c = (await there.converge(seat(wanted("b"), wanted("c")))).keys[1]
    assert (c.native_id, azure.opens(b.secret), azure.opens(c.secret)) == (SID, ["orders"], ["orders"])


async def test_a_third_live_key_is_refused_in_words_and_nothing_is_written() -> None:
    azure = Azure()
    there = azure.provisioner()
    await there.converge(seat(wanted("a"), wanted("b")))
    before = azure.resources()
    with pytest.raises(GatewayError, match="and 3 are wanted"):
        await there.converge(seat(wanted("a"), wanted("b"), wanted("c")))
    assert azure.resources() == before


async def test_a_key_that_only_azure_knew_and_that_is_gone_is_not_replaced_in_silence() -> None:
    azure = Azure()
    there = azure.provisioner()
    await there.converge(seat(wanted("a")))
    azure.hand("DELETE", f"subscriptions/{SID}")
    with pytest.raises(PostconditionFailed, match="only Azure knew its secret"):
        await there.converge(seat(wanted("a", native_id=SID)))
    assert (await there.converge(seat(wanted("b")))).standing is ACTIVE


async def test_keys_stay_in_their_slots_when_somebody_renames_the_subscription() -> None:
    azure = Azure()
    there = azure.provisioner()
    before = await there.converge(seat(wanted("a"), wanted("b")))
    azure.hand("PATCH", f"subscriptions/{SID}", {"displayName": "Acme's"})
    known = [wanted(key.credential_id.removeprefix("cred_"), native_id=key.native_id) for key in before.keys]
    assert await there.converge(seat(*known)) == before


async def test_several_products_stand_in_one_of_aforos_own_that_goes_with_its_last_subscription() -> None:
    azure = Azure()
    untouched = azure.resources()
    there = azure.provisioner()
    seated = await there.converge(seat(wanted("a"), scope=(ORDERS, WEATHER)))
    assert seated.scope == {"prod_orders", "prod_weather"}
    assert azure.opens(seated.keys[0].secret) == ["orders", "weather", "weather-admin"]
    bundle = next(one.native_id for one in seated.objects if one.kind == "product")
    policy = azure.hand("GET", f"products/{bundle}/policies/policy")["properties"]["value"]
    assert "context.Api.Id == &quot;orders&quot;" in policy
    assert "quota" not in policy
    other = replace(seat(wanted("o"), scope=(ORDERS, WEATHER)), subscription_id="sub_other")
    await there.converge(other)
    narrow = await there.converge(seat(wanted("a"), scope=(WEATHER,)))
    assert narrow.scope == {"prod_weather"}
    assert azure.opens(narrow.keys[0].secret) == ["weather", "weather-admin"]
    assert f"products/{bundle}" in azure.resources()
    await there.converge(replace(other, standing=GONE, keys=()))
    assert f"products/{bundle}" not in azure.resources()
    await there.converge(seat(standing=GONE))
    assert azure.resources() == untouched


async def test_a_removal_that_broke_off_after_the_subscription_still_takes_its_product() -> None:
    azure = Azure()
    untouched = azure.resources()
    there = azure.provisioner()
    await there.converge(seat(wanted("a"), scope=(ORDERS, WEATHER)))
    azure.hand("DELETE", f"subscriptions/{SID}")
    await there.converge(seat(wanted("a", GONE), standing=GONE, scope=(ORDERS, WEATHER)))
    assert azure.resources() == untouched


async def test_limits_that_azure_does_not_hold_yet_are_told() -> None:
    seated = await Azure().provisioner().converge(seat(wanted("a"), limits=(DAY,)))
    assert [note.split(":")[0] for note in seated.notes] == ["Azure does not keep the plan's limits yet"]


async def test_an_adopted_azure_subscription_is_used_as_it_is_through_a_whole_life() -> None:
    azure = Azure()
    there = azure.provisioner()
    azure.hand("PUT", "subscriptions/orders-ada", {
        "scope": "/products/orders", "ownerId": "/users/ada", "displayName": "Ada's",
        "state": "active", "primaryKey": "ada-one", "secondaryKey": "ada-two",
    })  # fmt: skip
    found = next(one for one in (await there.existing((ORDERS,), quiet)).consumers if one.application == "orders-ada")
    assert (found.consumer, found.email, sorted(found.scope)) == ("ada", "ada@contoso.example", ["orders"])
    key = wanted("a", native_id=found.keys[0].native_id)
    wish = seat(key, adopted=Adopted("ada", "orders-ada"))
    untouched = azure.resources()
    azure.board.log.clear()
    seated = await there.converge(wish)
    assert azure.writes() == []
    assert (seated.standing, sorted(seated.scope)) == (ACTIVE, ["prod_orders"])
    assert [(one.native_id, one.adopted) for one in seated.objects] == [("orders-ada", True)]
    await there.converge(replace(wish, standing=SUSPENDED))
    assert azure.opens("ada-one") == []
    await there.converge(wish)
    assert azure.opens("ada-one") == ["orders"]
    both = await there.converge(replace(wish, keys=(key, wanted("b"))))
    fresh = both.keys[1].secret
    assert [azure.opens(secret) for secret in ("ada-one", "ada-two", fresh)] == [["orders"]] * 3
    after = await there.converge(replace(wish, keys=(replace(key, standing=GONE), wanted("b"))))
    assert [one.standing for one in after.keys] == [GONE, ACTIVE]
    assert [azure.opens(secret) for secret in ("ada-one", "ada-two", fresh)] == [[], ["orders"], ["orders"]]
    gone = await there.converge(replace(wish, standing=GONE, keys=(wanted("b", GONE, native_id=SID),)))
    assert gone.standing is GONE
    assert azure.opens("ada-two") == ["orders"]
    assert azure.resources().keys() == untouched.keys()


async def test_everybody_is_found_without_asking_for_secrets_and_only_marked_objects_are_removed() -> None:
    azure = Azure()
    there = azure.provisioner()
    before = azure.resources()
    secret = (await there.converge(seat(wanted("a"), scope=(ORDERS, WEATHER)))).keys[0].secret or "?"
    azure.hand("PUT", "users/aforo-sub_half", {"email": "h@a.example", "firstName": "H", "lastName": "A"})
    azure.board.log.clear()
    existence = await there.existing((ORDERS, PAYMENTS, WEATHER), quiet)
    assert [method for method, path in azure.board.log if not path.endswith("/token")] == ["GET", "GET"]
    assert secret not in repr(existence)
    ours = [one for one in existence.consumers if one.subscription_id]
    assert [(one.subscription_id, len(one.keys)) for one in ours] == [(SUBSCRIPTION, 1), ("sub_half", 0)]
    ada = [one for one in existence.consumers if one.consumer == "ada"]
    assert [(len(one.keys), *one.scope) for one in ada] == [(2, "orders"), (2, "payments"), (2, "weather")]
    for one in (ada[0], replace(ada[0], subscription_id=SUBSCRIPTION)):
        with pytest.raises(GatewayError, match="does not carry Aforo's mark"):
            await there.remove(one)
    for one in (*ours, *ours):
        await there.remove(one)
    assert azure.resources() == before


SEATS = st.builds(
    lambda standing, keys, scope: seat(
        *(wanted(name, one, secret=f"aforo_{name}") for name, one in keys.items()),
        standing=standing,
        scope=tuple(scope),
    ),
    st.sampled_from(Standing),
    st.dictionaries(st.sampled_from("abc"), st.sampled_from(Standing), max_size=2),
    st.lists(st.sampled_from([ORDERS, PAYMENTS, WEATHER, TRANSLATION]), unique_by=lambda one: one.id, max_size=3),
)


@settings(max_examples=12, deadline=None)
@given(st.lists(SEATS, min_size=1, max_size=4))
async def test_nothing_that_is_not_ours_changes_whatever_a_seat_goes_through(seats: list[Seat]) -> None:
    azure = Azure()
    azure.hand("PUT", "users/bob", {"email": "bob@x.example", "firstName": "B", "lastName": "X", "note": "Aforo"})
    azure.hand("PUT", "subscriptions/bobs", {"scope": "/products/orders", "ownerId": "/users/bob", "displayName": "B"})
    foreign = azure.resources(foreign=True)
    there = azure.provisioner()
    for one in seats:
        await there.converge(one)
        assert azure.resources(foreign=True) == foreign
    await there.converge(replace(seats[-1], standing=GONE, keys=()))
    assert not [path for path in azure.resources() if path.startswith(("users/aforo-", "subscriptions/aforo-"))]
