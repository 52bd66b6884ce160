"""A crash between any two calls of a seat's life, and other people's objects beside it."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aforo.gateway_sdk.pricing import Limit
from aforo.gateway_sdk.provision import Adopted, Standing
from tests.credentials.boundaries import hold_at_every_boundary
from tests.gateways.aws.provision_parts import SECRET, Account, Prepared, seat, wanted

MONTH = Limit("api_calls", Decimal(1_000), "month", 2_592_000)


async def test_a_crash_while_a_seat_is_made_leaves_nothing_that_the_next_run_does_not_finish() -> None:
    scope = await Account(size=3).products("TranslationAPI", "GeocodingAPI")
    full = seat(wanted("a", secret=SECRET), wanted("b"), scope=scope, limits=(MONTH,))
    assert await hold_at_every_boundary(Prepared(), full) > 8


@pytest.mark.long
async def test_a_crash_in_a_rotation_a_suspension_a_change_of_scope_or_an_end_leaves_the_promised_keys() -> None:
    scope = await Account(size=3).products("TranslationAPI", "GeocodingAPI")
    full = seat(wanted("a", secret=SECRET), scope=scope[:1], limits=(MONTH,))
    rotated = seat(wanted("a", Standing.GONE), wanted("b"), scope=scope[1:], limits=(MONTH,))
    await hold_at_every_boundary(Prepared(), rotated, before=full)
    shut = replace(full, standing=Standing.SUSPENDED)
    await hold_at_every_boundary(Prepared(), shut, before=full)
    await hold_at_every_boundary(Prepared(), full, before=shut)
    gone = seat(wanted("a", Standing.GONE), standing=Standing.GONE)
    await hold_at_every_boundary(Prepared(), gone, before=full)


async def test_a_crash_never_leaves_a_usage_plan_of_ours_behind() -> None:
    scope = await Account(size=3).products("TranslationAPI", "GeocodingAPI")
    accounts: list[Account] = []
    full = seat(wanted("a"), scope=scope)
    await hold_at_every_boundary(
        Prepared(accounts.append), seat(wanted("a", Standing.GONE), standing=Standing.GONE), before=full
    )
    assert len(accounts) > 8
    assert {tuple(sorted(row["name"] for row in one.plans().values())) for one in accounts} == {
        ("bronze", "gold", "silver")
    }


TAGS = st.dictionaries(
    st.sampled_from(["managed-by", "aforo:subscription", "aforo:plan", "team"]),
    st.sampled_from(["aforo", "sub_other", "other", "crm"]),
    max_size=3,
)
KEYS = st.lists(
    st.fixed_dictionaries(
        {
            "name": st.sampled_from(["acme", "aforo-sub_01k9q3-cred_a", "aforo-sub_01k9q3-"]),
            "tags": TAGS,
            "enabled": st.booleans(),
        }
    ),
    max_size=3,
)
STANDINGS = st.lists(st.sampled_from([Standing.ACTIVE, Standing.SUSPENDED]), min_size=1, max_size=2)


@settings(max_examples=12, deadline=None)
@given(KEYS, TAGS, STANDINGS, st.booleans())
async def test_foreign_keys_and_plans_beside_ours_are_never_changed(
    others: list[dict[str, Any]], plan_tags: dict[str, str], life: list[Standing], adopts: bool
) -> None:
    account = Account(size=3)
    scope = await account.products("TranslationAPI", "GeocodingAPI")
    stage = dict(zip(("apiId", "stage"), scope[0].native_id.split("/"), strict=True))
    plan = account.do("CreateUsagePlan", name="aforo-pro", apiStages=[stage], tags=plan_tags)["id"]
    for other in others:
        key = account.do("CreateApiKey", **other)["id"]
        account.do("CreateUsagePlanKey", usagePlanId=plan, keyId=key, keyType="API_KEY")
    own = account.do("CreateApiKey", name="adopted", enabled=True)["id"] if adopts else None
    before = account.picture()
    there = account.provisioner()
    adopted = Adopted(own) if own else None
    first = wanted("a", native_id=own) if own else wanted("a")
    for standing in life:
        await there.converge(seat(first, wanted("b"), standing=standing, scope=scope, adopted=adopted))
    gone = [wanted("a", Standing.GONE, native_id=own), wanted("b", Standing.GONE)]
    await there.converge(seat(*gone, standing=Standing.GONE, adopted=adopted))
    before[0].pop(own, None)
    assert account.picture() == before
