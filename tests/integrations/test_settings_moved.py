"""Two writers of one integration's settings: the later one is refused, and nothing of it is stored."""

from pathlib import Path

import pytest

from aforo.integrations import Integrations
from aforo.integrations.errors import SettingsMoved
from tests.live import aforo

FIRST = '_format_version: "3.0"\nservices: [{name: one, host: one.internal}]'
SECOND = FIRST.replace("one", "two")
THIRD = FIRST.replace("one", "three")


async def _document(rooms: Integrations, tenant_id: str, integration_id: str) -> str:
    integration = await rooms.get(tenant_id, integration_id)
    return (await rooms._sealing.secrets(integration))["document"]


async def test_what_a_connector_writes_does_not_take_back_a_change_made_since_it_was_opened(tmp_path: Path) -> None:
    async with aforo(tmp_path) as running:
        rooms = running.rooms.integrations
        made = await rooms.create(running.tenant_id, "file", "kong", "declarative", {"document": FIRST})
        remember = rooms._remember(await rooms.get(running.tenant_id, made.id))
        await remember("document", SECOND)
        assert await _document(rooms, running.tenant_id, made.id) == SECOND
        await rooms.change(running.tenant_id, made.id, values={"document": THIRD})
        with pytest.raises(SettingsMoved, match="Nothing of this was stored"):
            await remember("document", FIRST)
        assert await _document(rooms, running.tenant_id, made.id) == THIRD


async def test_of_two_changes_read_at_the_same_state_one_is_stored_and_the_other_told(tmp_path: Path) -> None:
    async with aforo(tmp_path) as running:
        rooms = running.rooms.integrations
        made = await rooms.create(running.tenant_id, "file", "kong", "declarative", {"document": FIRST})
        before = await rooms.get(running.tenant_id, made.id)
        await rooms.change(running.tenant_id, made.id, values={"document": SECOND})
        with pytest.raises(SettingsMoved):
            await rooms._store.replace(before, {}, was=before.revision)
        assert await _document(rooms, running.tenant_id, made.id) == SECOND
