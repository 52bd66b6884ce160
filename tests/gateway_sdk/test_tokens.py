"""Earned tokens: one request in flight, renewed ahead of the end, held for the next connector."""

import asyncio

import pytest

from aforo.gateway_sdk.errors import GatewayAuthFailed
from aforo.gateway_sdk.tokens import Ask, EarnedToken, FixedToken, bearing
from aforo.kit.clock import HandClock


def _endpoint(lasts_seconds: float = 3600) -> tuple[Ask, list[int]]:
    """A token endpoint that numbers its tokens, and what it was asked."""
    asked: list[int] = []

    async def ask() -> tuple[str, float]:
        asked.append(len(asked) + 1)
        await asyncio.sleep(0)
        return f"t{asked[-1]}", lasts_seconds

    return ask, asked


async def test_a_hundred_callers_at_once_ask_for_one_token() -> None:
    ask, asked = _endpoint()
    earned = EarnedToken(ask, HandClock(), "app")
    assert set(await asyncio.gather(*(earned.token() for _ in range(100)))) == {"t1"}
    assert asked == [1]


async def test_a_refusal_of_an_older_token_does_not_lose_the_new_one() -> None:
    earned = EarnedToken(_endpoint()[0], HandClock(), "app")
    assert await earned.token() == "t1"
    assert earned.forget("an older one")
    assert await earned.token() == "t1"
    assert earned.forget("t1")
    assert await earned.token() == "t2"


@pytest.mark.parametrize(("lasts", "renewed_after"), [(3600, 3300), (400, 200)])
async def test_a_token_is_renewed_ahead_of_its_end(lasts: float, renewed_after: float) -> None:
    clock = HandClock()
    earned = EarnedToken(_endpoint(lasts)[0], clock, "app")
    await earned.token()
    clock.forward(renewed_after - 1)
    assert await earned.token() == "t1"
    clock.forward(1)
    assert await earned.token() == "t2"


async def test_the_next_connector_with_the_same_credential_uses_the_token_that_is_held() -> None:
    clock, (ask, asked) = HandClock(), _endpoint()
    assert await EarnedToken(ask, clock, "app").token() == "t1"
    assert await EarnedToken(ask, clock, "app").token() == "t1"
    assert await EarnedToken(ask, clock, "another app").token() == "t2"
    assert await EarnedToken(ask, HandClock(), "app").token() == "t3"
    assert asked == [1, 2, 3]


@pytest.mark.parametrize("text", ["", "two words", "new\nline", "caf\u00e9"])
def test_a_token_that_no_header_may_carry_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(GatewayAuthFailed) as refused:
        FixedToken(text)
    assert not text or text not in str(refused.value)


async def test_an_entered_token_cannot_be_replaced() -> None:
    fixed = FixedToken("given")
    assert not fixed.forget("given")
    assert await fixed.token() == "given"


async def test_a_call_with_a_refused_token_is_made_once_more_with_another() -> None:
    earned, tried = EarnedToken(_endpoint()[0], HandClock(), "app"), list[str]()

    async def call(token: str) -> str:
        tried.append(token)
        if token == "t1":
            raise GatewayAuthFailed("no")
        return "done"

    assert await bearing(earned, call) == "done"
    assert tried == ["t1", "t2"]


async def test_a_call_with_a_given_token_or_a_second_refusal_is_not_repeated() -> None:
    tried = list[str]()

    async def refused(token: str) -> None:
        tried.append(token)
        raise GatewayAuthFailed("no")

    for tokens, expected in ((FixedToken("f"), ["f"]), (EarnedToken(_endpoint()[0], HandClock(), "app"), ["t1", "t2"])):
        with pytest.raises(GatewayAuthFailed):
            await bearing(tokens, refused)
        assert tried == expected
        tried.clear()
