"""The room's parts, joined."""

from dataclasses import dataclass

from aforo.accounts import Accounts
from aforo.artifacts.rules.wiring import ingest_url
from aforo.artifacts.service import Artifacts, Opens, Parts, Switches, Switching, Verifying
from aforo.artifacts.service.canary import Canaries, Denied
from aforo.artifacts.service.parts import PlaceOf, ProductsAt
from aforo.artifacts.service.refusals import RefusalBook
from aforo.artifacts.service.verifying import EventsOf
from aforo.artifacts.sql import ArtifactStore
from aforo.artifacts.vault import ArtifactVault
from aforo.credentials import CredentialsRoom
from aforo.customers import CustomersRoom
from aforo.kit.clock import Clock
from aforo.kit.db import Database
from aforo.kit.secretbox import SecretBox


@dataclass(frozen=True, slots=True)
class ArtifactsRoom:
    """What runs inside gateways: put there, proven, switched, and taken away."""

    artifacts: Artifacts
    switching: Switching
    verifying: Verifying


@dataclass(frozen=True, slots=True)
class Outside:
    """What this room is given of others: gateways, the catalog, enforcement and usage.

    denied, events  what became of a canary's calls
    """

    opens: Opens
    places: PlaceOf
    products: ProductsAt
    switches: Switches
    denied: Denied
    events: EventsOf


def open_room(
    db: Database,
    box: SecretBox,
    accounts: Accounts,
    customers: CustomersRoom,
    credentials: CredentialsRoom,
    outside: Outside,
    edge_url: str,
    clock: Clock,
) -> ArtifactsRoom:
    """The room on the records; `edge_url` is how gateways reach the edge."""
    store = ArtifactStore(db, ArtifactVault(box))
    parts = Parts(
        store,
        outside.opens,
        outside.places,
        outside.products,
        outside.switches,
        accounts,
        ingest_url(edge_url),
        clock,
    )
    canaries = Canaries(customers, credentials, outside.products, outside.denied)
    return ArtifactsRoom(
        Artifacts(parts),
        Switching(parts, RefusalBook(outside.switches, customers)),
        Verifying(parts, canaries, outside.events),
    )
