"""The room over HTTP."""

from fastapi import APIRouter

from aforo.accounts import Accounts, CallerFor
from aforo.credentials.room import CredentialsRoom
from aforo.credentials.routes import credentials, existing
from aforo.jobs import Jobs


def router(
    room: CredentialsRoom, accounts: Accounts, jobs: Jobs, integrations_of: existing.IntegrationsOf, caller: CallerFor
) -> APIRouter:
    """`integrations_of` gives the ids of a tenant's integrations."""
    api = APIRouter()
    api.include_router(credentials.router(room.credentials, accounts, caller))
    api.include_router(existing.adoption(room.adoption, accounts, jobs, caller))
    api.include_router(existing.orphans(room.orphans, integrations_of, accounts, jobs, caller))
    return api
