"""An emulated organization of MuleSoft Anypoint: Access Management, API Manager and Exchange, and instances that can
be called.

Where the facts come from: MuleSoft's published descriptions of these services, and for what they leave open (request
and answer members of instances, the `xapi` paths, errors) the descriptions of the community's Go client. What no
description tells is our reading of the documentation: empty lists without a scope; masked sensitive values; a
contract's states; 409 for a tier with applications, for a second contract of one pair, and for a version of an asset
that was published once.

Deliberately different: changes work at once, consumers' calls have a path of their own (see `proxying`) on which only
policies that ask for client ids or count calls work, and publishing checks no file.
"""

from collections.abc import Collection

from aforo.gateway_sdk.emulator import StateFile
from aforo.kit.clock import Clock, SystemClock

from .app import AnypointEmulator
from .seeding import CLIENT_ID, CLIENT_SECRET, ENVIRONMENT, ORGANIZATION, ROOT, found_organization, sow
from .world import Switches, World

__all__ = ["ENVIRONMENT", "ORGANIZATION", "ROOT", "AnypointEmulator", "Switches", "create", "sample_connection", "seed"]


def create(
    state: StateFile,
    *,
    clock: Clock | None = None,
    page_size: int = 100,
    scopes: Collection[str] | None = None,
    tells_scopes: bool = False,
    token_seconds: int = 3600,
    calls_per_minute: int | None = None,
) -> AnypointEmulator:
    """The emulator as an ASGI app; its `switches`, which these options set, can be turned while it runs."""
    switches = Switches(
        scopes=None if scopes is None else frozenset(scopes),
        tells_scopes=tells_scopes,
        page_size=page_size,
        token_seconds=token_seconds,
        calls_per_minute=calls_per_minute,
    )
    world = World(state, clock or SystemClock(), switches)
    found_organization(world)
    return AnypointEmulator(world)


def sample_connection(base_url: str) -> tuple[str, dict[str, str]]:
    """Sign in as the emulated organization's connected app."""
    return "connected_app", {
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "organization_id": ORGANIZATION,
        "environment_id": ENVIRONMENT,
        "anypoint_url": base_url,
    }


def seed(state: StateFile, size: int = 12) -> None:
    """Fill it with `size` API instances; the same ones every time."""
    world = World(state, SystemClock(), Switches())
    world.changed = lambda: None
    sow(world, size)
    world.save()
