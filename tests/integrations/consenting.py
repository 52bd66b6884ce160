"""A person who consents at the OAuth emulator, by links and forms as a browser would follow them."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2

from aforo.app.oauth_emulator import OAuthEmulator
from aforo.gateway_sdk.emulator import StateFile, Switchboard
from aforo.kit.clock import Clock
from tests.console.visiting import Seen, Visitor, visiting
from tests.live import Emulated, serving

HERE = "http://aforo.test"
PLACES: dict[str, tuple[str, tuple[str, ...]]] = {
    "apigee": ("google", ("organization", "api_url")),
    "azure": ("entra", ("tenant_id", "subscription_id", "resource_group", "service_name", "management_url")),
    "mulesoft": ("anypoint", ("organization_id", "environment_id", "anypoint_url")),
}
"""By gateway: its sign-in with a provider, and which of the emulator's own settings it has too."""


@dataclass
class Provider:
    """The OAuth emulator while it runs."""

    url: str
    emulator: OAuthEmulator
    board: Switchboard


@contextmanager
def provider(**options: Any) -> Iterator[Provider]:
    emulator = OAuthEmulator(StateFile(), **options)
    board = Switchboard(emulator)
    with serving(board) as url:
        yield Provider(url, emulator, board)


@asynccontextmanager
async def consenting(folder: Path, at: Provider, clock: Clock | None = None, **settings: Any) -> AsyncIterator[Visitor]:
    """Somebody signed in to an Aforo whose providers are all the emulator."""
    async with visiting(folder, clock, public_url=HERE, oauth_emulator_url=at.url, **settings) as visitor:
        yield visitor


def settings_of(gateway: Emulated) -> tuple[str, dict[str, str]]:
    """The sign-in with a provider, and its settings."""
    sign_in, names = PLACES[gateway.gateway]
    return sign_in, {name: gateway.settings[name] for name in names}


async def saved(visitor: Visitor, gateway: str, sign_in: str, settings: dict[str, str], name: str = "gw") -> str:
    """Save the wizard's form; gives the integration's id, which waits for consent."""
    form = {"gateway": gateway, "sign_in": sign_in, "name": name}
    seen = await visitor.post("/integrations/new", {**form, **{f"set.{key}": one for key, one in settings.items()}})
    assert seen.path.endswith("/setup"), seen.text
    return seen.path.split("/")[2]


async def consent_page(visitor: Visitor, integration_id: str) -> str:
    """Follow the link; the address of the provider's page."""
    answer = await visitor.http.get(f"/api/v1/integrations/{integration_id}/oauth/start", follow_redirects=False)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def approved(visitor: Visitor, page: str, decision: str = "approve") -> str:
    """Press a button there; the address that leads back."""
    answer = await _press(visitor, page, decision)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def _press(visitor: Visitor, page: str, decision: str) -> httpx2.Response:
    if page.startswith(HERE):
        return await visitor.http.post(page, data={"decision": decision}, follow_redirects=False)
    async with httpx2.AsyncClient(trust_env=False) as elsewhere:
        return await elsewhere.post(page, data={"decision": decision})


async def connected(visitor: Visitor, gateway: str, sign_in: str, settings: dict[str, str], name: str = "gw") -> str:
    """Save, consent, and wait for the test; the integration's id."""
    integration_id = await saved(visitor, gateway, sign_in, settings, name)
    await back(visitor, await approved(visitor, await consent_page(visitor, integration_id)))
    return integration_id


async def back(visitor: Visitor, where: str) -> Seen:
    return await visitor.get(where)


def of_query(address: str, name: str) -> str:
    return parse_qs(urlsplit(address).query)[name][0]
