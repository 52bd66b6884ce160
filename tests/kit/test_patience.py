"""Work that a page does not wait for."""

import asyncio

import pytest

from aforo.kit.patience import Patience, StillCounting


async def test_what_takes_longer_goes_on_and_is_there_once_for_whoever_comes_again() -> None:
    patience, may_end, runs = Patience[int](), asyncio.Event(), 0

    async def work() -> int:
        nonlocal runs
        runs += 1
        await may_end.wait()
        return runs

    for _ in range(2):
        with pytest.raises(StillCounting):
            await patience.get("k", work, 0.001)
    may_end.set()
    while True:
        try:
            assert await patience.get("k", work, 0.001) == 1
            break
        except StillCounting:
            await asyncio.sleep(0)
    assert await patience.get("k", work, 10) == 2, "what was fetched is not served again"
    assert await patience.get("k", work, 10) == 3, "nobody waited in vain: nothing is kept"
    assert await patience.get("other", work, 10) == 4


async def test_a_fault_reaches_whoever_asks_and_is_forgotten() -> None:
    patience, broken = Patience[int](), True

    async def work() -> int:
        if broken:
            raise ValueError("no such month")
        return 1

    with pytest.raises(ValueError, match="no such month"):
        await patience.get("k", work, 10)
    broken = False
    assert await patience.get("k", work, 10) == 1
