"""An Azure API Management service to try Aforo with, and the parts of Azure around it that Aforo calls.

Where the facts come from: paths, parameters, which methods need If-Match, what is long-running, members of bodies:
the vendor's description, version 2024-05-01. Error codes, ETag texts, call limits, what an export replaces, what a
policy is checked for: the vendor's documentation. Nothing here was recorded from a real service.

Deliberately different: one principal's call limits are not shared with others, names of products need not differ, and
only OpenAPI 3.0 (JSON or YAML) is imported. Stricter than the vendor says: no two subscriptions may have the same key,
and a user with subscriptions is not deleted alone. The request path,
`/proxy/…`, runs policies of a closed list (`engine/`), and what it answers is counted in three reports (`reports.py`).
"""

from typing import TYPE_CHECKING

from aforo.gateway_sdk.emulator import StateFile
from aforo.kit.clock import Clock, SystemClock

if TYPE_CHECKING:
    import httpx2

    from aforo.gateways.azure.emulator.app import AzureEmulator


def create(
    state: StateFile,
    *,
    clock: Clock | None = None,
    page_size: int = 5,
    throttle: bool = False,
    token_seconds: int = 3599,
    polls: int = 1,
    http: "httpx2.AsyncClient | None" = None,
) -> "AzureEmulator":
    """The emulator as an ASGI app.

    `page_size` is the most that a list answers at once, whatever is asked for; the vendor's own is larger. With
    `throttle`, calls above Resource Manager's limits get a 429. `polls` is how often a long-running operation says that
    it goes on. `http` is the way that requests of policies take; over the network unless given.
    """
    from aforo.gateways.azure.emulator.app import AzureEmulator

    app = AzureEmulator(state, clock or SystemClock(), page_size, token_seconds, throttle=throttle, http=http)
    app.operations.polls = polls
    return app


def sample_connection(base_url: str) -> tuple[str, dict[str, str]]:
    """Sign in with the app that may do all."""
    from aforo.gateways.azure.emulator.app import RESOURCE_GROUP, SERVICE, SUBSCRIPTION
    from aforo.gateways.azure.emulator.sign_in import CONTRIBUTOR, TENANT

    return "service_principal", {
        "tenant_id": TENANT,
        "client_id": CONTRIBUTOR[0],
        "client_secret": CONTRIBUTOR[1],
        "subscription_id": SUBSCRIPTION,
        "resource_group": RESOURCE_GROUP,
        "service_name": SERVICE,
        "management_url": base_url,
        "login_url": base_url,
    }


def seed(state: StateFile, size: int = 12) -> None:
    """Fill it with `size` products; the same ones every time."""
    from aforo.gateways.azure.emulator.seeding import sow

    sow(create(state, polls=0), size)
