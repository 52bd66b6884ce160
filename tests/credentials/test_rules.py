"""What follows from records and time alone: limits, matches, and when a replaced key goes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from aforo.credentials.model import Buyer, Credential, CredentialState, Mode, Place
from aforo.credentials.rules.limits import limits
from aforo.credentials.rules.matching import match
from aforo.credentials.rules.standing import key_standing
from aforo.customers import Terms
from aforo.gateway_sdk.provision import Existing, Standing

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
GRACE = timedelta(seconds=300)
OLD = Credential(
    "cred_old", "ten", "sub", Mode.GATEWAY_GENERATED, CredentialState.GRACE, NOW - GRACE, grace_until=NOW + GRACE
)


def successor(made_at: datetime | None, state: CredentialState = CredentialState.ACTIVE) -> Credential:
    place = Place("int_1", made_at=made_at)
    return Credential(
        "cred_new", "ten", "sub", Mode.GATEWAY_GENERATED, state, NOW, replaces="cred_old", places=(place,)
    )


@settings(max_examples=50)
@given(st.integers(0, 10_000), st.none() | st.integers(0, 10_000))
def test_a_replaced_key_lives_for_its_whole_grace_beside_a_successor_that_works(
    passed: int, made_after: int | None
) -> None:
    made_at = None if made_after is None else NOW + timedelta(seconds=made_after)
    now = NOW + timedelta(seconds=passed)
    standing = key_standing(OLD, "int_1", successor(made_at), now)
    together = made_at is not None and now - made_at >= GRACE
    assert standing is (Standing.GONE if together else Standing.ACTIVE)


def test_without_a_live_successor_a_grace_ends_when_it_was_to_end() -> None:
    for one in (None, successor(None, CredentialState.REVOKED)):
        assert key_standing(OLD, "int_1", one, NOW + GRACE - timedelta(milliseconds=1)) is Standing.ACTIVE
        assert key_standing(OLD, "int_1", one, NOW + GRACE) is Standing.GONE


def test_limits_are_calendar_words_and_never_tighter_than_what_was_sold() -> None:
    terms = Terms.model_validate(
        {
            "currency": "EUR",
            "quotas": [
                {"metric": "api_calls", "units": "100", "period": "quarter", "mode": "HARD"},
                {"metric": "tokens", "units": "7", "period": "week", "mode": "SOFT"},
                {"metric": "api_calls", "units": "0", "period": "day"},
            ],
            "rateLimits": [
                {"metric": "api_calls", "perSeconds": 60, "units": "600", "burst": "100"},
                {"metric": "api_calls", "perSeconds": 7, "units": "10"},
            ],
        }
    )
    told = [(one.metric, one.units, one.period, one.hard, one.burst, one.is_rate) for one in limits(terms)]
    assert told == [
        ("api_calls", Decimal(400), "year", True, None, False),
        ("tokens", Decimal(7), "week", False, None, False),
        ("api_calls", Decimal(600), "minute", True, Decimal(100), True),
        ("api_calls", Decimal(86), "minute", True, None, True),
    ]


def test_a_consumer_is_matched_by_the_surest_trait_that_anybody_has_and_never_by_one_that_two_share() -> None:
    acme = Buyer("cust_1", "Acme Inc.", "crm-1", "Ops@acme.example")
    twin = Buyer("cust_2", "ACME INC", None, "it@acme.example")
    found = Existing("c1", "acme-inc", ())
    assert match(replace(found, external_id="crm-1", email="it@acme.example"), [acme, twin]).customer_id == "cust_1"
    assert match(replace(found, external_id="cust_2"), [acme, twin]).why == "same id"
    assert match(replace(found, email="ops@ACME.example"), [acme, twin]).why == "same e-mail"
    shared = match(found, [acme, twin])
    assert (shared.customer_id, shared.why) == (None, "2 customers have this name: Acme Inc., ACME INC")
    assert match(found, [acme]).why == "same name"
    assert match(Existing("c2", "---", ()), [Buyer("cust_3", "!!!", None, None)]).customer_id is None
