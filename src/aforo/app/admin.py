"""What an administrator of the machine may do on the data folder itself, with or without a running Aforo."""

from pathlib import Path
from typing import Any

from aforo.accounts import Scope
from aforo.app.records import upgrade
from aforo.app.settings import Settings
from aforo.app.wiring import Rooms, open_rooms


async def create_tenant(data_dir: Path, slug: str, name: str | None = None) -> dict[str, Any]:
    """Make a tenant, its administrator, and an admin key, which is shown in this answer only."""
    rooms = _open(data_dir)
    try:
        tenant = await rooms.accounts.create_tenant(slug, name or slug)
        _, secret = await rooms.accounts.create_key(tenant.id, "first admin key", {Scope.ADMIN})
        return {"id": tenant.id, "slug": tenant.slug, "name": tenant.name, "adminKey": secret}
    finally:
        await rooms.aclose()


async def sign_in_link(data_dir: Path, tenant: str | None = None, base_url: str | None = None) -> str:
    """A one-time link that signs in the tenant's administrator; good for 30 minutes."""
    rooms = _open(data_dir)
    try:
        owner = await rooms.accounts.tenant(tenant) if tenant else (await rooms.accounts.tenants())[0]
        token = await rooms.accounts.sign_in_token(owner.id)
        return sign_in_url(base_url or rooms.settings.base_url, token)
    finally:
        await rooms.aclose()


async def reset_password(data_dir: Path, email: str, base_url: str | None = None) -> str:
    """A one-time link for whoever has this address; good for 30 minutes."""
    rooms = _open(data_dir)
    try:
        return sign_in_url(base_url or rooms.settings.base_url, await rooms.people.reset(email))
    finally:
        await rooms.aclose()


async def create_key(
    data_dir: Path, tenant: str | None, name: str, scopes: list[str], *, test: bool = False
) -> dict[str, Any]:
    """Make an API key; the secret is in this answer only."""
    rooms = _open(data_dir)
    try:
        owner = await rooms.accounts.tenant(tenant) if tenant else (await rooms.accounts.tenants())[0]
        key, secret = await rooms.accounts.create_key(owner.id, name, [Scope(scope) for scope in scopes], test=test)
        return {"id": key.id, "name": key.name, "scopes": sorted(key.scopes), "secret": secret}
    finally:
        await rooms.aclose()


def sign_in_url(base_url: str, token: str) -> str:
    """A path that is good once, since a link must work without scripts."""
    return f"{base_url}/sign-in/{token}"


def _open(data_dir: Path) -> Rooms:
    settings = Settings(data_dir=data_dir)
    upgrade(settings.records_path)
    return open_rooms(settings)
