"""What the pages of this room are given."""

from dataclasses import dataclass
from typing import Any

from aforo.accounts import Accounts, VisitorFor
from aforo.alerts.room import AlertsRoom
from aforo.kit.jsontree import JsonObject
from aforo.kit.pages import PageRender


@dataclass(frozen=True, slots=True)
class Parts:
    room: AlertsRoom
    accounts: Accounts
    visitor: VisitorFor
    render: PageRender

    async def note(self, who: Any, action: str, subject: str, detail: JsonObject | None = None) -> None:
        await self.accounts.note(who.tenant_id, who.actor_id, action, subject, dict(detail or {}))
