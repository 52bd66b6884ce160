"""What every verb has in common: a job, a line in the audit trail, and how everything stands as the answer."""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi.responses import JSONResponse

from aforo.accounts import Accounts, Caller
from aforo.artifacts import views
from aforo.artifacts.room import ArtifactsRoom
from aforo.jobs import Jobs, Report, answer
from aforo.kit.jsontree import Json

Act = Callable[[Report], Awaitable[object]]


class Acting:
    """Runs verbs for callers of the API."""

    def __init__(self, room: ArtifactsRoom, accounts: Accounts, jobs: Jobs) -> None:
        self._room = room
        self.accounts = accounts
        self.jobs = jobs

    async def standing(self, who: Caller, integration_id: str) -> dict[str, Any]:
        told = await self._room.switching.status(who.tenant_id, integration_id)
        return views.to_json(views.standing_view(told))

    async def acted(
        self, who: Caller, integration_id: str, verb: str, act: Act, prefer: str | None, **detail: Json
    ) -> JSONResponse:
        async def work(report: Report) -> dict[str, Any]:
            await act(report)
            await self.accounts.note(who.tenant_id, who.actor_id, f"artifact.{verb}", integration_id, detail)
            return await self.standing(who, integration_id)

        title = f"{verb.capitalize()} enforcement"
        return await answer(self.jobs, who, f"enforcement.{verb}", title, work, prefer=prefer)
