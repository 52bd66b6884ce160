"""What the pages of this room are given, and what they share."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from fastapi.responses import Response

from aforo.accounts import Accounts, Caller, Session, VisitorFor
from aforo.artifacts.room import ArtifactsRoom
from aforo.integrations import Integration, Integrations
from aforo.jobs import PAGE_PATIENCE_SECONDS, Jobs, Report, onward
from aforo.kit.jsontree import Json, JsonObject
from aforo.kit.pages import PageRender

LONGEST_REASON = 500
Work = Callable[[Report], Awaitable[JsonObject]]


@dataclass(frozen=True, slots=True)
class Parts:
    room: ArtifactsRoom
    integrations: Integrations
    accounts: Accounts
    jobs: Jobs
    visitor: VisitorFor
    render: PageRender

    async def integration(self, session: Session, integration_id: str) -> Integration:
        """Raises NotFound."""
        return await self.integrations.get(session.caller.tenant_id, integration_id)

    async def note(self, who: Caller, verb: str, integration_id: str, detail: dict[str, Json]) -> None:
        await self.accounts.note(who.tenant_id, who.actor_id, f"artifact.{verb}", integration_id, detail)

    async def run(
        self, who: Caller, one: Integration, verb: str, work: Callable[[Report], Awaitable[JsonObject]]
    ) -> Response:
        """Start it and wait a moment; its reader goes on to where its result is shown, or watches the job."""
        title = f"{verb.capitalize()} enforcement at {one.name}"
        job = await self.jobs.follow(
            who.tenant_id, f"enforcement.{verb}", title, work, wait_seconds=PAGE_PATIENCE_SECONDS
        )
        return onward(job, here(one))


def here(one: Integration) -> str:
    return f"/integrations/{one.id}/enforcement"
