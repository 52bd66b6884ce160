"""An emulator of the Apigee API of Google Cloud, in memory and as an ASGI app, with a request path at `/proxy`.

Where the facts come from: paths, members and their types, the styles of paging and what an operation replaces are those
of the vendor's description; the shape of errors is Google's. Not from a recording: the wording of messages, which
member is required, and the order of checks.

The request path executes the bundles of shared flows that are attached to flow hooks (`runtime/`).

Deliberately different from Apigee: a deleted developer's apps are gone at once; environments, proxies and the
organization can only be read; names of proxies and environments in a product are not looked up; a start key that does
not exist begins where it would stand.
"""

import time
from collections.abc import Callable

from aforo.gateway_sdk.emulator import StateFile

from .app import ApigeeEmulator
from .apps import Apps
from .credentials import Credentials
from .developers import Developers
from .flows import FlowDeployments, FlowHooks, SharedFlows
from .keys import Keys
from .maps import Maps
from .organization import Organization
from .products import Products, RatePlans
from .proxying import Proxying
from .routing import Routes
from .seeding import ORGANIZATION, seed
from .stats import Stats
from .store import Store
from .throttle import Throttle
from .tokens import FIXED_TOKEN, TokenEndpoint, key_file

__all__ = ["FIXED_TOKEN", "ORGANIZATION", "ApigeeEmulator", "create", "sample_connection", "seed"]


def create(
    state: StateFile,
    *,
    page_size: int = 100,
    monetized: bool = True,
    looks_until_ready: int = 1,
    token_seconds: int = 3600,
    calls_per_minute: int | None = None,
    now: Callable[[], float] = time.time,
) -> ApigeeEmulator:
    """One organization, `ORGANIZATION`, over the entities of the state file.

    `page_size` is the most that a list answers, however much is asked for. `monetized` switches the monetization
    add-on. A deployment is READY after so many looks. `calls_per_minute` switches the vendor's limit on (6,000).
    `now` is the source of times in seconds since 1970.
    """
    store = Store(state, now)
    developers = Developers(store, ORGANIZATION, page_size)
    credentials = Credentials(store)
    apps = Apps(store, developers, credentials, page_size)
    flows = SharedFlows(store)
    stats = Stats(store, page_size)
    proxying = Proxying(store, ORGANIZATION, stats)
    routes = Routes(
        (
            Organization(store, ORGANIZATION, monetized=monetized),
            Products(store, page_size),
            RatePlans(store, page_size, monetized=monetized),
            developers,
            apps,
            Keys(store, apps, credentials),
            Maps(store, page_size),
            flows,
            FlowDeployments(store, flows, proxying.bundles, looks_until_ready),
            FlowHooks(store),
            stats,
        )
    )
    throttle = Throttle(calls_per_minute, now)
    return ApigeeEmulator(store, ORGANIZATION, TokenEndpoint(store, token_seconds), routes, throttle, proxying)


def sample_connection(base_url: str) -> tuple[str, dict[str, str]]:
    """How to connect to an emulator: the sign-in method and its settings."""
    settings = {
        "organization": ORGANIZATION,
        "service_account_key": key_file(f"{base_url}/token"),
        "api_url": base_url,
    }
    return "service_account", settings
