"""What was at Apigee before Aforo is found, used as it is, and outlives the seat; nothing foreign is ever changed."""

from dataclasses import replace
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aforo.gateway_sdk.emulator import Fault, Receive, Scope, Send
from aforo.gateway_sdk.errors import GatewayError, GatewayNotFound, GatewayRejected, GatewayUnavailable
from aforo.gateway_sdk.provision import Adopted, Existing, Owner, Seat, Standing
from aforo.gateways.apigee.emulator import ORGANIZATION
from aforo.gateways.apigee.mapping.marks import attribute, key_id, product_of, subscription_of
from tests.gateways.apigee.apigee_parts import Row, quiet
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

ACME = "/developers/api@acme.example/apps/acme-app"


async def _everybody(apigee: Apigee) -> list[Existing]:
    existence = await apigee.provisioner().existing((), quiet)
    assert not existence.partial
    return list(existence.consumers)


async def _acme(apigee: Apigee) -> Existing:
    return next(one for one in await _everybody(apigee) if one.email == "api@acme.example")


async def _with_approved_key(apigee: Apigee) -> tuple[Existing, str]:
    (key,) = (await apigee.world.call("GET", ACME))["credentials"]
    path = f"{ACME}/keys/{key['consumerKey']}/apiproducts/payments-v1?action=approve"
    await apigee.world.call("POST", path, status=204, headers=OCTETS)
    return await _acme(apigee), str(key["consumerKey"])


def _adopted(found: Existing, *names: str, **members: Any) -> Seat:
    keys = [wanted(name, native_id=key.native_id) for name, key in zip(names, found.keys, strict=True)]
    return seat(*keys, adopted=Adopted(found.consumer, found.application), scope=(PAYMENTS,), **members)


async def test_everybody_is_found_over_all_pages_with_hashes_and_never_secrets() -> None:
    apigee = Apigee(page_size=2)
    seated = await apigee.provisioner().converge(seat(wanted("a"), wanted("b")))
    key = f"{APP}/keys/{seated.keys[1].secret}"
    await apigee.world.call("POST", f"{key}?action=revoke", status=204, headers=OCTETS)
    await apigee.world.call("POST", "/developers/api@globex.example/apps", {"name": "bare"})
    globex = "/developers/api@globex.example/apps/bare"
    (minted,) = (await apigee.world.call("GET", globex))["credentials"]
    await apigee.world.call("DELETE", f"{globex}/keys/{minted['consumerKey']}")
    found = await _everybody(apigee)
    assert sorted((one.consumer, one.application_name or "") for one in found) == [
        ("api@acme.example", "acme-app"),
        ("api@globex.example", "bare"),
        ("api@globex.example", "globex-app"),
        ("api@initech.example", "initech-app"),
        ("api@umbrella.example", "umbrella-app"),
        (EMAIL, f"aforo-{SUBSCRIPTION}"),
    ]
    ours = next(one for one in found if one.consumer == EMAIL)
    assert (ours.subscription_id, ours.scope) == (SUBSCRIPTION, frozenset({"orders-v1"}))
    assert {key.native_id: key.standing for key in ours.keys} == {
        seated.keys[0].native_id: Standing.ACTIVE,
        seated.keys[1].native_id: Standing.SUSPENDED,
    }
    secrets = [key["consumerKey"] for app in apigee.rows("apps") for key in app["credentials"]]
    assert not [secret for secret in secrets if secret in repr(found)]


@pytest.mark.parametrize(("after", "told"), [(0, 0), (1, 2), (2, 4)])
async def test_a_list_of_apps_that_breaks_off_is_partial_and_shows_nobody_without_apps(after: int, told: int) -> None:
    apigee = Apigee(page_size=2)
    await apigee.provisioner().converge(seat(wanted("a")))
    apigee.board.faults.append(Fault(503, path=f"/v1/organizations/{ORGANIZATION}/apps", after=after))
    existence = await apigee.provisioner().existing((), quiet)
    assert [problem.what for problem in existence.problems] == [f"apps after the first {told}"]
    assert len(existence.consumers) == told


async def test_everybody_is_found_where_pages_of_developers_are_addresses_alone() -> None:
    apigee = Apigee()
    expected = await _everybody(apigee)

    async def without_details(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].endswith("/developers"):
            scope = {**scope, "query_string": scope["query_string"].replace(b"expand=true&", b"")}
        await apigee.world.described(scope, receive, send)

    there = apigee.provisioner(httpx2.AsyncClient(transport=httpx2.ASGITransport(without_details)))
    assert list((await there.existing((), quiet)).consumers) == expected


async def test_a_first_page_that_fails_is_an_error() -> None:
    apigee = Apigee()
    apigee.board.faults.append(Fault(503, path=f"/v1/organizations/{ORGANIZATION}/developers"))
    with pytest.raises(GatewayUnavailable):
        await apigee.provisioner().existing((), quiet)


async def test_an_adopted_app_is_used_without_a_write_and_keeps_everything_through_a_whole_life() -> None:
    apigee = Apigee()
    there = apigee.provisioner()
    other = {"consumerKey": "not-adopted", "consumerSecret": "s"}
    found, secret = await _with_approved_key(apigee)
    await apigee.world.call("POST", f"{ACME}/keys", other)
    before = apigee.app("acme-app")
    wish = _adopted(found, "a")
    assert await apigee.writes_of(there.converge(wish)) == []
    seated = await there.observe(wish)
    assert (seated.standing, seated.scope) == (Standing.ACTIVE, frozenset({"prod_payments"}))
    assert [(one.kind, one.native_id, one.adopted) for one in seated.objects] == [
        ("developer", "api@acme.example", True),
        ("application", found.application, True),
    ]
    assert (await there.converge(replace(wish, standing=Standing.SUSPENDED))).standing is Standing.SUSPENDED
    path = "/payments-v1/payments/1"
    assert await apigee.opens(secret, path) == 401
    assert key_id("not-adopted") in await apigee.live_keys()
    rotated = await there.converge(replace(wish, keys=(*wish.keys, wanted("b"))))
    assert [await apigee.opens(key.secret or "", path) for key in rotated.keys] == [200, 200]
    gone = replace(wish, standing=Standing.GONE, keys=(replace(wish.keys[0], standing=Standing.GONE),))
    assert (await there.converge(gone)).standing is Standing.GONE
    after = apigee.app("acme-app")
    assert [key["consumerKey"] for key in after["credentials"]] == ["not-adopted"]
    assert {**after, "credentials": 0, "lastModifiedAt": 0} == {**before, "credentials": 0, "lastModifiedAt": 0}


async def test_an_adopted_key_gets_what_it_lacks_and_loses_only_that_again() -> None:
    apigee = Apigee()
    there = apigee.provisioner()
    found, secret = await _with_approved_key(apigee)
    told = {"attributes": [{"name": "team", "value": "red"}]}
    await apigee.world.call("POST", f"{ACME}/keys/{secret}", told)
    wish = _adopted(found, "a")
    wider = replace(wish, scope=(PAYMENTS, SEARCH, ORDERS))
    assert (await there.converge(wider)).scope == {"prod_payments", "prod_search", "prod_orders"}
    (key,) = apigee.app("acme-app")["credentials"]
    assert (attribute(key, "team"), subscription_of(key)) == ("red", None)
    assert (await there.converge(replace(wish, scope=(ORDERS,)))).scope == {"prod_orders"}
    (key,) = apigee.app("acme-app")["credentials"]
    assert [ref["apiproduct"] for ref in key["apiProducts"]] == ["payments-v1", "orders-v1"]


async def test_an_adopted_app_that_is_gone_is_told() -> None:
    apigee = Apigee()
    found = await _acme(apigee)
    await apigee.world.call("DELETE", ACME)
    with pytest.raises(GatewayNotFound, match="adopted app"):
        await apigee.provisioner().converge(_adopted(found, "a"))
    gone = await apigee.provisioner().converge(_adopted(found, "a", standing=Standing.GONE))
    assert gone.standing is Standing.GONE


async def test_keys_that_aforo_made_in_a_foreign_app_are_told_apart_and_are_all_that_is_removed() -> None:
    apigee = Apigee()
    found, _ = await _with_approved_key(apigee)
    wish = _adopted(found, "a")
    await apigee.provisioner().converge(replace(wish, keys=(*wish.keys, wanted("b"))))
    foreign, ours = [one for one in await _everybody(apigee) if one.email == "api@acme.example"]
    assert (foreign.subscription_id, ours.subscription_id) == (None, SUBSCRIPTION)
    assert [key.native_id for key in foreign.keys] == [key.native_id for key in found.keys]
    await apigee.provisioner().remove(ours)
    assert await _acme(apigee) == found
    with pytest.raises(GatewayError, match="does not carry Aforo's mark"):
        await apigee.provisioner().remove(replace(found, subscription_id=SUBSCRIPTION))


async def test_only_what_is_marked_is_removed_and_twice_is_as_once() -> None:
    apigee = Apigee()
    there, look = apigee.provisioner(), beside(apigee)
    kept = look()
    await there.converge(seat(wanted("a")))
    ours = next(one for one in await _everybody(apigee) if one.subscription_id == SUBSCRIPTION)
    for found in (await _acme(apigee), replace(await _acme(apigee), application=None, subscription_id=SUBSCRIPTION)):
        with pytest.raises(GatewayError, match="does not carry Aforo's mark"):
            await there.remove(found)
    await there.remove(ours)
    await there.remove(ours)
    assert look() == kept
    assert len(await _everybody(apigee)) == 4


async def test_a_developer_that_aforo_left_behind_is_an_orphan_and_can_be_removed() -> None:
    apigee = Apigee()
    await apigee.provisioner().converge(seat(wanted("a")))
    await apigee.world.call("DELETE", APP)
    (left,) = [one for one in await _everybody(apigee) if one.subscription_id]
    assert (left.consumer, left.application, left.keys) == (EMAIL, None, ())
    await apigee.provisioner().remove(left)
    assert EMAIL not in [row["email"] for row in apigee.rows("developers")]


@pytest.mark.parametrize(
    ("name", "product"),
    [("aforo$pro$payments-v1", "payments-v1"), ("aforo$pro$a$b", "a$b"), ("aforo$x", "aforo$x"), ("a$b$c", "a$b$c")],
)
def test_a_plans_api_product_is_read_as_the_product_that_it_opens(name: str, product: str) -> None:
    assert product_of(name) == product


NAMES = st.sampled_from(["shop", "aforo-sub_01k9q4", "partner"])
ATTRIBUTES = st.lists(
    st.fixed_dictionaries(
        {"name": st.sampled_from(["team", "aforo.plan", "tier"]), "value": st.text("ab", max_size=3)}
    ),
    max_size=3,
    unique_by=lambda one: one["name"],
)
STRANGERS = st.lists(
    st.fixed_dictionaries(
        {
            "name": NAMES,
            "products": st.lists(st.sampled_from(["orders-v1", "search-v1", "payments-v1"]), max_size=2, unique=True),
            "attributes": ATTRIBUTES,
            "email": st.sampled_from([EMAIL, "api@acme.example", "new@other.example"]),
            "revoked": st.booleans(),
        }
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda one: (one["email"], one["name"]),
)
LIVES = st.lists(
    st.tuples(
        st.sampled_from([Standing.ACTIVE, Standing.SUSPENDED]),
        st.lists(st.sampled_from("abc"), max_size=2, unique=True),
        st.lists(st.sampled_from([ORDERS, SEARCH, PAYMENTS]), max_size=3, unique=True),
    ),
    min_size=1,
    max_size=3,
)


@settings(max_examples=30, deadline=None)
@given(strangers=STRANGERS, life=LIVES, has_mail=st.booleans())
async def test_foreign_developers_apps_keys_and_attributes_beside_ours_never_change(
    strangers: list[Row], life: list[Any], has_mail: bool
) -> None:
    apigee = Apigee()
    for one in strangers:
        await _settle(apigee, one)
    before = {name: apigee.rows(name) for name in ("developers", "apps", "products", "rateplans")}
    owner = Owner("cust_1", "Bold", EMAIL if has_mail else None)
    there = apigee.provisioner()
    for standing, keys, scope in life:
        wish = seat(*map(wanted, keys), standing=standing, scope=tuple(scope), owner=owner)
        seated = await there.converge(wish)
        promised = len(keys) if standing is Standing.ACTIVE else 0
        assert sum(key.standing is Standing.ACTIVE for key in seated.keys) == promised
        for table in ("developers", "apps"):
            assert [row for row in apigee.rows(table) if subscription_of(row) is None] == before[table]
    await there.converge(seat(standing=Standing.GONE, owner=owner))
    assert {name: apigee.rows(name) for name in before} == before


async def _settle(apigee: Apigee, one: Row) -> None:
    """A stranger's app, with an unmarked developer of its own or of a customer of ours."""
    person = {"email": one["email"], "firstName": "A", "lastName": "B", "userName": "ab"}
    answer = await apigee.world.request("POST", "/developers", person)
    assert answer.status_code in (200, 409)
    app = {"name": one["name"], "apiProducts": one["products"], "attributes": one["attributes"]}
    made = await apigee.world.call("POST", f"/developers/{one['email']}/apps", app)
    if one["revoked"]:
        key = made["credentials"][0]["consumerKey"]
        path = f"/developers/{one['email']}/apps/{one['name']}/keys/{key}?action=revoke"
        await apigee.world.call("POST", path, status=204, headers=OCTETS)


async def test_a_secret_that_another_app_has_is_refused_and_the_other_keeps_it() -> None:
    apigee = Apigee()
    (key,) = apigee.app("acme-app")["credentials"]
    with pytest.raises(GatewayRejected):
        await apigee.provisioner().converge(seat(wanted("a", secret=key["consumerKey"])))
    assert apigee.app("acme-app")["credentials"] == [key]
