"""Whatever a crash leaves half-done is finished, or cleaned up, by the next run."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from aforo.artifacts import ArtifactsRoom
from aforo.gateway_sdk.errors import GatewayUnavailable
from tests.artifacts.toy import Crash, Doom
from tests.artifacts.workshop import Workshop, workshop

MOST_BOUNDARIES = 200


def _untold(done: int, about: int | None, what: str) -> None:
    del done, about, what


@contextlib.contextmanager
def _dying(shop: Workshop, doom: Doom) -> Iterator[None]:
    """Every commit and every call at the gateway is a boundary at which the process may end."""

    def commits(_connection: Any) -> None:
        if doom.strikes():
            raise doom.fault()

    shop.gateway.doom = doom
    event.listen(Engine, "commit", commits)
    try:
        yield
    finally:
        event.remove(Engine, "commit", commits)
        shop.gateway.doom = Doom()


async def _all_of_it(shop: Workshop, room: ArtifactsRoom) -> None:
    who = (shop.tenant_id, shop.integration_id, "usr_1")
    await room.artifacts.deploy(*who, _untold)
    await room.artifacts.attach(*who, _untold)
    await room.switching.enforce(*who)


async def _left(shop: Workshop, room: ArtifactsRoom) -> None:
    await room.artifacts.detach(shop.tenant_id, shop.integration_id, "usr_1", _untold)


async def _stands(shop: Workshop, told: str) -> None:
    """All of it, with one key that is the artifact's."""
    assert set(shop.gateway.services.values()) == {"aforo"}, told
    assert shop.gateway.settings is not None, told
    (key,) = await shop.keys()
    assert shop.gateway.settings["api_key"].endswith(key["last4"]), told
    standing = await shop.standing()
    assert (standing["phase"], standing["mode"], standing["unfinished"]) == ("ATTACHED", "enforce", None), told
    assert standing["keyId"] == key["id"], told
    assert sorted(standing["enforcedProductIds"]) == sorted(shop.product_ids), told


async def _is_gone(shop: Workshop, before: Any, told: str) -> None:
    assert shop.gateway.state() == before, told
    assert await shop.keys() == [], told
    standing = await shop.standing()
    assert (standing["phase"], standing["enforcedProductIds"]) == ("ABSENT", []), told


@pytest.mark.parametrize("forgetful", [False, True])
async def test_a_crash_between_any_two_steps_is_finished_by_the_same_verbs(tmp_path: Path, forgetful: bool) -> None:
    async with workshop(tmp_path, forgetful=forgetful) as shop:
        before = shop.gateway.state()
        for left in range(MOST_BOUNDARIES):
            doom = Doom(left)
            with _dying(shop, doom), contextlib.suppress(Crash):
                await _all_of_it(shop, shop.room())
            told = f"broke off at boundary {left}"
            await _all_of_it(shop, shop.room())
            await _stands(shop, told)
            await _left(shop, shop.room())
            await _is_gone(shop, before, told)
            if not doom.struck:
                break
        assert left > 15, "there are more steps than that"


@pytest.mark.parametrize("forgetful", [False, True])
async def test_a_crash_between_any_two_steps_is_cleaned_up_by_detaching(tmp_path: Path, forgetful: bool) -> None:
    async with workshop(tmp_path, forgetful=forgetful) as shop:
        before = shop.gateway.state()
        for left in range(MOST_BOUNDARIES):
            doom = Doom(left)
            with _dying(shop, doom), contextlib.suppress(Crash):
                await _all_of_it(shop, shop.room())
                await _left(shop, shop.room())
            await _left(shop, shop.room())
            await _is_gone(shop, before, f"broke off at boundary {left}")
            if not doom.struck:
                break
        assert left > 25, "there are more steps than that"


async def test_a_detach_that_broke_off_is_finished_before_anything_is_deployed_again(tmp_path: Path) -> None:
    async with workshop(tmp_path) as shop:
        await _all_of_it(shop, shop.room())
        with _dying(shop, Doom(6)), pytest.raises(Crash):
            await _left(shop, shop.room())
        assert (await shop.standing())["unfinished"] == "detach"
        assert (await shop.verb("deploy"))["mode"] == "observe"
        assert shop.gateway.services == {"pay": "somebody's", "search": None}
        assert (await shop.verb("attach"))["phase"] == "ATTACHED"


async def test_an_attach_that_never_succeeds_can_be_left(tmp_path: Path) -> None:
    async with workshop(tmp_path) as shop:
        before = shop.gateway.state()
        room = shop.room()
        await room.artifacts.deploy(shop.tenant_id, shop.integration_id, "usr_1", _untold)
        shop.gateway.forbidden = "hook search"
        with pytest.raises(GatewayUnavailable):
            await room.artifacts.attach(shop.tenant_id, shop.integration_id, "usr_1", _untold)
        assert shop.gateway.services["pay"] == "aforo"
        await _left(shop, shop.room())
        shop.gateway.forbidden = ""
        await _is_gone(shop, before, "left while attaching fails")
