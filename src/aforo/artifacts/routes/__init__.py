"""The artifact at a gateway over HTTP."""

from fastapi import APIRouter

from aforo.accounts import Accounts, CallerFor
from aforo.artifacts.room import ArtifactsRoom
from aforo.artifacts.routes import looking, placing, switching
from aforo.artifacts.routes.acting import Acting
from aforo.jobs import Jobs


def router(room: ArtifactsRoom, accounts: Accounts, jobs: Jobs, caller: CallerFor) -> APIRouter:
    """`/api/v1/integrations/{id}/enforcement`."""
    api = APIRouter(prefix="/api/v1/integrations/{integration_id}/enforcement", tags=["enforcement", "integrations"])
    acting = Acting(room, accounts, jobs)
    for each in (looking, placing, switching):
        each.add(api, room, acting, caller)
    return api
