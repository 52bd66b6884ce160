"""What may follow what in a subscription's life."""

from datetime import UTC, datetime, timedelta

import pytest

from aforo.customers.rules.states import FOLLOWS, LIVE, State, Verb, after, allowed, seen_at

NOW = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("state", "suspend", "reactivate", "cancel"),
    [
        (State.PENDING, None, None, State.CANCELLED),
        (State.ACTIVE, State.SUSPENDED, State.ACTIVE, State.CANCELLED),
        (State.SUSPENDED, State.SUSPENDED, State.ACTIVE, State.CANCELLED),
        (State.CANCELLED, None, None, State.CANCELLED),
    ],
)
def test_each_verb_leads_where_the_table_says(
    state: State, suspend: State | None, reactivate: State | None, cancel: State
) -> None:
    assert [after(state, verb) for verb in (Verb.SUSPEND, Verb.REACTIVATE, Verb.CANCEL)] == [
        suspend,
        reactivate,
        cancel,
    ]


def test_every_state_has_its_row_and_nothing_leads_out_of_cancelled() -> None:
    assert set(FOLLOWS) == set(State)
    assert set(FOLLOWS[State.CANCELLED].values()) == {State.CANCELLED}
    assert allowed(State.CANCELLED) == ()
    assert set(State) - LIVE == {State.CANCELLED}


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("verb", Verb)
def test_asking_twice_is_asking_once(state: State, verb: Verb) -> None:
    following = after(state, verb)
    if following is None:
        assert verb not in allowed(state)
    else:
        assert after(following, verb) is following


def test_only_time_makes_a_pending_subscription_active() -> None:
    assert seen_at(State.PENDING, NOW, NOW - timedelta(microseconds=1)) is State.PENDING
    assert seen_at(State.PENDING, NOW, NOW) is State.ACTIVE
    for state in State:
        if state is not State.PENDING:
            assert seen_at(state, NOW, NOW + timedelta(days=1)) is state
