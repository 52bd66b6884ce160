"""Whatever a crash leaves half-done is finished, or cleaned up, by the next run."""

import contextlib
from pathlib import Path
from typing import Any

import pytest

from aforo.artifacts import ArtifactsRoom, Mode
from aforo.gateway_sdk.artifact import Phase
from aforo.gateway_sdk.errors import GatewayUnavailable
from tests.artifacts.toy import Crash, Doom
from tests.artifacts.workshop import Workshop, dying, workshop

MOST_BOUNDARIES = 200


def _untold(done: int, about: int | None, what: str) -> None:
    del done, about, what


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
    (key,) = await _live_keys(shop)
    assert shop.gateway.settings["api_key"].endswith(key.last4), told
    standing = await shop.room().switching.status(shop.tenant_id, shop.integration_id)
    one = standing.installed
    assert one is not None, told
    assert (one.phase, one.mode, one.unfinished, one.wired_key) == (Phase.ATTACHED, Mode.ENFORCE, None, key.id), told
    assert sorted(standing.enforced) == sorted(shop.product_ids), told


async def _is_gone(shop: Workshop, before: Any, told: str) -> None:
    assert shop.gateway.state() == before, told
    assert await _live_keys(shop) == [], told
    standing = await shop.room().switching.status(shop.tenant_id, shop.integration_id)
    assert (standing.installed, standing.enforced) == (None, ()), told


async def _live_keys(shop: Workshop) -> list[Any]:
    found = await shop.running.rooms.accounts.keys(shop.tenant_id)
    return [key for key in found if key.name.startswith("artifact") and key.revoked_at is None]


@pytest.mark.parametrize(
    ("forgetful", "every"),
    [(True, 2), pytest.param(True, 1, marks=pytest.mark.long), pytest.param(False, 1, marks=pytest.mark.long)],
)
async def test_a_crash_between_any_two_steps_is_finished_by_the_same_verbs(
    tmp_path: Path, forgetful: bool, every: int
) -> None:
    async with workshop(tmp_path, forgetful=forgetful) as shop:
        before = shop.gateway.state()
        for left in range(0, MOST_BOUNDARIES, every):
            doom = Doom(left)
            with dying(shop, doom), contextlib.suppress(Crash):
                await _all_of_it(shop, shop.room())
            told = f"broke off at boundary {left}"
            await _all_of_it(shop, shop.room())
            await _stands(shop, told)
            await _left(shop, shop.room())
            await _is_gone(shop, before, told)
            if not doom.struck:
                break
        assert left > 15, "there are more steps than that"


@pytest.mark.parametrize("forgetful", [True, pytest.param(False, marks=pytest.mark.long)])
async def test_a_crash_between_any_two_steps_is_cleaned_up_by_detaching(tmp_path: Path, forgetful: bool) -> None:
    async with workshop(tmp_path, forgetful=forgetful) as shop:
        before = shop.gateway.state()
        for left in range(MOST_BOUNDARIES):
            doom = Doom(left)
            with dying(shop, doom), contextlib.suppress(Crash):
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
        with dying(shop, Doom(6)), pytest.raises(Crash):
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
