"""A seat at Apigee: made, changed, suspended and removed, and what is beside it is left alone."""

from dataclasses import replace
from datetime import timedelta

import pytest

from aforo.gateway_sdk.errors import GatewayRejected, PostconditionFailed
from aforo.gateway_sdk.provision import Owner, Standing
from aforo.gateways.apigee.mapping.marks import app_name, attribute, key_id
from tests.gateways.apigee.provision_parts import (
    APP,
    EMAIL,
    ORDERS,
    PAYMENTS,
    SEARCH,
    SUBSCRIPTION,
    Apigee,
    beside,
    seat,
    wanted,
)
from tests.gateways.apigee.test_emulator_operations import OCTETS


async def test_a_seat_is_a_developers_app_whose_keys_open_the_products_of_its_plan_and_no_others() -> None:
    apigee = Apigee()
    there = apigee.provisioner()
    wish = seat(wanted("a", secret="aforo_secret"), wanted("b"))
    seated = await there.converge(wish)
    assert (seated.standing, seated.scope) == (Standing.ACTIVE, frozenset({"prod_orders"}))
    secrets = [key.secret or "" for key in seated.keys]
    assert secrets[0] == "aforo_secret"
    assert [(key.credential_id, key.type, key.native_id) for key in seated.keys] == [
        ("cred_a", "apigee_key", key_id(secrets[0])),
        ("cred_b", "apigee_key", key_id(secrets[1])),
    ]
    assert [(one.kind, one.native_id) for one in seated.objects] == [
        ("developer", EMAIL),
        ("application", apigee.app()["appId"]),
    ]
    assert len(apigee.app()["credentials"]) == 2
    assert [await apigee.opens(secret) for secret in secrets] == [200, 200]
    assert await apigee.opens(secrets[0], "/search-v1/search") == 401
    assert await apigee.writes_of(there.converge(wish)) == []
    assert await there.observe(wish) == seated


async def test_a_product_that_asks_for_approval_opens_at_once() -> None:
    apigee = Apigee()
    seated = await apigee.provisioner().converge(seat(wanted("a"), scope=(PAYMENTS,)))
    assert seated.scope == {"prod_payments"}
    assert await apigee.opens(seated.keys[0].secret or "", "/payments-v1/payments/7") == 200


async def test_a_suspended_seat_is_refused_and_a_suspended_key_alone_and_both_come_back_as_they_were() -> None:
    apigee = Apigee()
    there = apigee.provisioner()
    before = await there.converge(seat(wanted("a"), wanted("b")))
    secrets = [key.secret or "" for key in before.keys]
    closed = await there.converge(seat(wanted("a"), wanted("b"), standing=Standing.SUSPENDED))
    assert (closed.standing, closed.scope) == (Standing.SUSPENDED, frozenset())
    assert [await apigee.opens(secret) for secret in secrets] == [401, 401]
    half = await there.converge(seat(wanted("a", Standing.SUSPENDED), wanted("b")))
    assert [key.standing for key in half.keys] == [Standing.SUSPENDED, Standing.ACTIVE]
    assert [await apigee.opens(secret) for secret in secrets] == [401, 200]
    assert await there.converge(seat(wanted("a"), wanted("b"))) == before
    assert [await apigee.opens(secret) for secret in secrets] == [200, 200]


async def test_a_seat_that_begins_suspended_has_never_a_key_that_opens_anything() -> None:
    apigee = Apigee()
    seated = await apigee.provisioner().converge(seat(wanted("a"), standing=Standing.SUSPENDED))
    assert [key.standing for key in seated.keys] == [Standing.SUSPENDED]
    path = f"{APP}/keys/{seated.keys[0].secret}"
    steps = [path for method, path in apigee.world.writes() if method == "POST"][-2:]
    assert steps == [path, path]
    assert apigee.app()["credentials"][0]["apiProducts"] == [{"apiproduct": "orders-v1", "status": "approved"}]


async def test_a_rotated_key_goes_a_left_product_closes_and_a_cancelled_seat_leaves_nothing() -> None:
    apigee = Apigee()
    there, look = apigee.provisioner(), beside(apigee)
    kept = look()
    first = await there.converge(seat(wanted("a"), scope=(ORDERS, SEARCH)))
    assert first.scope == {"prod_orders", "prod_search"}
    both = await there.converge(seat(wanted("a"), wanted("b"), scope=(SEARCH,)))
    assert both.scope == {"prod_search"}
    old, new = (key.secret or "" for key in both.keys)
    assert await apigee.opens(old) == 401
    after = await there.converge(seat(wanted("a", Standing.GONE), wanted("b"), scope=(SEARCH,)))
    assert [key.standing for key in after.keys] == [Standing.GONE, Standing.ACTIVE]
    path = "/search-v1/search"
    assert (await apigee.opens(old, path), await apigee.opens(new, path)) == (401, 200)
    gone = await there.converge(seat(wanted("b", Standing.GONE), standing=Standing.GONE))
    assert (gone.standing, gone.objects) == (Standing.GONE, ())
    assert look() == kept
    assert EMAIL not in [row["email"] for row in apigee.rows("developers")]
    assert (await there.observe(seat())).standing is Standing.GONE


async def test_a_developer_that_was_there_gets_an_app_and_stays_when_the_seat_goes() -> None:
    apigee = Apigee()
    there = apigee.provisioner()
    before = apigee.rows("developers")
    owner = Owner("cust_2", "Acme", "API@acme.example")
    seated = await there.converge(seat(wanted("a"), owner=owner))
    assert [one.adopted for one in seated.objects if one.kind == "developer"] == [True]
    await there.converge(seat(owner=owner, standing=Standing.GONE))
    assert apigee.rows("developers") == before
    assert [row["name"] for row in apigee.rows("apps")].count("acme-app") == 1


async def test_a_developer_without_apps_that_was_there_stays_as_it_was() -> None:
    apigee = Apigee()
    person = {"email": EMAIL, "firstName": "Bo", "lastName": "Ld", "userName": "bo"}
    await apigee.world.call("POST", "/developers", person)
    before = apigee.rows("developers")
    await apigee.provisioner().converge(seat(wanted("a")))
    await apigee.provisioner().converge(seat(standing=Standing.GONE))
    assert apigee.rows("developers") == before


async def test_two_subscriptions_of_a_customer_share_a_developer_who_goes_with_the_last() -> None:
    apigee = Apigee()
    there = apigee.provisioner()
    other = replace(seat(wanted("x")), subscription_id="sub_other")
    await there.converge(seat(wanted("a")))
    kept = await there.converge(other)
    await there.converge(seat(standing=Standing.GONE))
    assert await there.observe(other) == kept
    await there.converge(replace(other, standing=Standing.GONE, keys=()))
    assert EMAIL not in [row["email"] for row in apigee.rows("developers")]


async def test_a_customer_without_an_address_has_one_that_no_mail_reaches_and_keeps_its_app_later() -> None:
    apigee = Apigee()
    there = apigee.provisioner()
    seated = await there.converge(seat(wanted("a"), owner=Owner("cust_1", "Bold")))
    assert seated.objects[0].native_id == "cust_1@customers.aforo.invalid"
    assert await apigee.writes_of(there.converge(seat(wanted("a")))) == []
    assert await there.observe(seat(wanted("a"))) == seated


async def test_the_app_of_a_removed_customer_is_found_by_its_name() -> None:
    apigee = Apigee()
    there = apigee.provisioner()
    await there.converge(seat(wanted("a")))
    gone = await there.converge(seat(owner=Owner("cust_1", "cust_1"), standing=Standing.GONE))
    assert gone.standing is Standing.GONE
    assert EMAIL not in [row["email"] for row in apigee.rows("developers")]


async def test_what_somebody_switched_off_at_our_app_and_developer_is_switched_on_again() -> None:
    apigee = Apigee()
    there = apigee.provisioner()
    before = await there.converge(seat(wanted("a")))
    await apigee.world.call("POST", f"{APP}?action=revoke", status=204, headers=OCTETS)
    await apigee.world.call("POST", f"/developers/{EMAIL}?action=inactive", status=204, headers=OCTETS)
    assert (await there.observe(seat(wanted("a")))).standing is Standing.SUSPENDED
    assert await there.converge(seat(wanted("a"))) == before


async def test_a_foreign_developer_that_is_inactive_is_named_and_left_so() -> None:
    apigee = Apigee()
    path = "/developers/api@acme.example"
    await apigee.world.call("POST", f"{path}?action=inactive", status=204, headers=OCTETS)
    with pytest.raises(PostconditionFailed, match="developer's"):
        await apigee.provisioner().converge(seat(wanted("a"), owner=Owner("cust_2", "Acme", "api@acme.example")))
    assert (await apigee.world.call("GET", path))["status"] == "inactive"


async def test_a_key_that_an_edit_of_our_app_minted_is_named_without_its_secret_and_left_there() -> None:
    apigee = Apigee()
    there = apigee.provisioner()
    await there.converge(seat(wanted("a")))
    edit = {"name": app_name(SUBSCRIPTION), "apiProducts": ["search-v1"]}
    await apigee.world.call("PUT", APP, {**edit, "attributes": apigee.app()["attributes"]})
    planted = next(key for key in apigee.app()["credentials"] if attribute(key, "aforo") is None)
    with pytest.raises(PostconditionFailed, match=key_id(planted["consumerKey"])[:12]) as told:
        await there.converge(seat(wanted("a")))
    assert planted["consumerKey"] not in str(told.value)
    assert key_id(planted["consumerKey"]) in await apigee.live_keys()


async def test_a_key_with_our_mark_that_nobody_promised_and_products_that_nobody_sold_go() -> None:
    apigee = Apigee()
    there = apigee.provisioner()
    seated = await there.converge(seat(wanted("a"), wanted("b")))
    await apigee.world.call("POST", f"{APP}/keys/{seated.keys[0].secret}", {"apiProducts": ["search-v1"]})
    after = await there.converge(seat(replace(wanted("a"), native_id=seated.keys[0].native_id)))
    assert [key.native_id for key in after.keys] == [seated.keys[0].native_id]
    assert seated.keys[1].native_id not in await apigee.live_keys()
    assert [ref["apiproduct"] for ref in apigee.app()["credentials"][0]["apiProducts"]] == ["orders-v1"]
    assert attribute(apigee.app()["credentials"][0], "aforo.credential") == "cred_a"


async def test_a_lost_key_is_made_again_only_if_its_secret_is_known() -> None:
    apigee = Apigee()
    there = apigee.provisioner()
    own = seat(wanted("a", secret="aforo_secret"), wanted("b"))
    seated = await there.converge(own)
    for key in seated.keys:
        await apigee.world.call("DELETE", f"{APP}/keys/{key.secret}")
    again = await there.converge(seat(wanted("a", secret="aforo_secret", native_id=key_id("aforo_secret"))))
    assert again.keys[0].secret == "aforo_secret"
    with pytest.raises(PostconditionFailed, match="only Apigee knew its secret"):
        await there.converge(seat(wanted("b", native_id=seated.keys[1].native_id)))


async def test_an_app_that_only_bears_our_name_is_not_touched() -> None:
    apigee = Apigee()
    owner = Owner("cust_2", "Acme", "api@acme.example")
    await apigee.world.call("POST", "/developers/api@acme.example/apps", {"name": app_name(SUBSCRIPTION)})
    before = apigee.rows("apps")
    for standing in (Standing.ACTIVE, Standing.GONE):
        with pytest.raises(GatewayRejected, match="does not carry Aforo's mark"):
            await apigee.provisioner().converge(seat(wanted("a"), owner=owner, standing=standing))
    assert apigee.rows("apps") == before


async def test_an_expired_key_is_gone() -> None:
    apigee = Apigee()
    there = apigee.provisioner()
    await there.converge(seat(wanted("a")))
    told = {"consumerKey": "short", "consumerSecret": "s", "expiresInSeconds": "60"}
    key = wanted("a", native_id=key_id("short"))
    await apigee.world.call("POST", f"{APP}/keys", told)
    assert (await there.observe(seat(key))).keys[0].standing is Standing.ACTIVE
    apigee.world.clock.forward(seconds=timedelta(minutes=2).seconds)
    assert (await there.observe(seat(key))).keys[0].standing is Standing.GONE
