"""What a gateway is to Aforo: a source of products made of entities, and a place where entities can be put back.

The catalog compares and plans with these values alone; it never sees a vendor's JSON. What a gateway cannot do is
stated in its manifest, never found out by an exception.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from aforo.gateway_sdk.tokens import Tokens
from aforo.gateway_sdk.transport import Transport
from aforo.kit.clock import Clock
from aforo.kit.jsontree import Absent, Json, JsonObject, digest, escape, same

SPEC_KIND = "spec"
"""The kind of the one entity, if any, that holds a product's API description (its contract, no vendor extensions)."""


@dataclass(frozen=True, slots=True)
class Entity:
    """One object at the gateway that belongs to a product, in canonical form.

    kind       one of the manifest's kinds, such as "route"
    key        natural key, unique per kind within the product and stable when the object is re-created
    native_id  the vendor's id; used to match and to address, never compared
    fields     every value that a person could have set; volatile ones dropped, sets sorted, references to sibling
               entities written as their keys, never as ids
    defaults   what the server fills in by itself, in the shape of `fields`; a value equal to it is nobody's wish
    secrets    pointers into `fields` that hold secrets; sealed at rest, compared as keyed hashes
    masked     pointers whose value the vendor does not tell; never compared, listed as "cannot be restored"
    owned      carries Aforo's mark
    references pointers into `fields` that hold a sibling's key, with that sibling's kind. A comparison that has paired
               the siblings may read such a key through the pairs, so that a renamed sibling is one change, not two
    """

    kind: str
    key: str
    native_id: str
    fields: JsonObject
    defaults: JsonObject = field(default_factory=dict)
    secrets: frozenset[str] = frozenset()
    masked: frozenset[str] = frozenset()
    owned: bool = False
    references: Mapping[str, str] = field(default_factory=dict)

    def wished(self) -> dict[str, Json]:
        """The fields without server defaults and masked values: what somebody asked for."""
        return _wishes(self.fields, self.defaults, self.masked, "")


def _wishes(fields: JsonObject, defaults: JsonObject, masked: frozenset[str], pointer: str) -> dict[str, Json]:
    wish: dict[str, Json] = {}
    for name, value in fields.items():
        default = defaults.get(name)
        here = f"{pointer}/{escape(name)}" if masked else ""
        if isinstance(value, dict) and value:
            inner = _wishes(value, default if isinstance(default, dict) else {}, masked, here)
            if inner:
                wish[name] = inner
        elif here not in masked and not _is_filled_in(value, default):
            wish[name] = value
    return wish


def _is_filled_in(value: Json, default: Json) -> bool:
    """Whether the server would set this by itself; a null is what it sets where it has no default."""
    return default is None if value is None else same(value, default)


@dataclass(frozen=True, slots=True)
class Product:
    """A product as a gateway shows it, or as Aforo recorded it.

    `ref` is the natural key, unique within one integration; `native_id` the vendor's. `version` follows DESIGN's order:
    the API description's, else the vendor's own field, else a tag or attribute, else a path segment, else None.
    """

    ref: str
    native_id: str
    name: str
    version: str | None
    entities: tuple[Entity, ...]

    @property
    def spec_digest(self) -> str | None:
        """SHA-256 over the API description's wishes; None where the gateway keeps none."""
        return self._digest(entity for entity in self.entities if entity.kind == SPEC_KIND)

    @property
    def config_digest(self) -> str:
        """SHA-256 over everything else. For hashes of plans; the diff, not this, decides what has changed."""
        return self._digest(entity for entity in self.entities if entity.kind != SPEC_KIND) or digest([])

    def entity(self, kind: str, key: str) -> Entity | None:
        return next((entity for entity in self.entities if (entity.kind, entity.key) == (kind, key)), None)

    def _digest(self, entities: Iterable[Entity]) -> str | None:
        told = sorted((entity.kind, entity.key, digest(entity.wished())) for entity in entities)
        return digest([list(row) for row in told]) if told else None


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that a read missed: what, why in the gateway's words, and the error's code."""

    what: str
    why: str
    code: str


@dataclass(frozen=True, slots=True)
class Discovery:
    """All products at a gateway, or those that could be read. A partial one concludes nothing about what is absent.

    `notes` are facts for the reader that are no fault, such as global plugins that belong to no product.
    """

    products: tuple[Product, ...]
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def partial(self) -> bool:
        return bool(self.problems)


class Verdict(StrEnum):
    """How one check of a connection ended. LIMITED: connected, but something will not be possible."""

    OK = "OK"
    LIMITED = "LIMITED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Check:
    """One line of a connection test: "TLS certificate valid", "until 1 Mar 2027"."""

    name: str
    verdict: Verdict
    detail: str = ""
    next_step: str | None = None
    code: str | None = None
    took_ms: float | None = None


class Action(StrEnum):
    CREATE = "CREATE"
    UPDATE = "UPDATE"
    DELETE = "DELETE"


@dataclass(frozen=True, slots=True)
class Step:
    """One write of a restore.

    CREATE  `target` with all its fields and its recorded native id, to be kept if the vendor lets us
    UPDATE  only `changed` (pointer → value, ABSENT to clear) at the live object `live`; `target` for vendors that know
            nothing but a full replacement, to be laid over a fresh read
    DELETE  the live object `live`, which the operator ticked
    """

    action: Action
    kind: str
    key: str
    target: Entity | None
    live: Entity | None
    changed: Mapping[str, Json | Absent] = field(default_factory=dict)

    @property
    def title(self) -> str:
        return f"{self.action.value.lower()} {self.kind} {self.key}"


Progress = Callable[[int, int | None, str], None]
"""Told as (done, about how many or None, of what): `(380, 1000, "products")`."""

StepDone = Callable[[Step], None]
"""Called once for each step as soon as its effect is known to stand at the gateway."""


@dataclass(frozen=True, slots=True)
class Document:
    """A file that the vendor's own tool applies (a decK file, a Terraform patch, an OpenAPI document)."""

    filename: str
    media_type: str
    text: str


@dataclass(frozen=True, slots=True)
class SetupKit:
    """What an operator needs on the gateway's side before it can be connected: a document and how to apply it.

    A gateway that has one offers it in a part `setup` with `kit(settings, facts, variant) -> SetupKit`, which raises
    Invalid for a variant that it does not have.
    """

    document: Document
    external_id: str
    command: str
    link: str | None = None
    notes: tuple[str, ...] = ()


class Gateway(Protocol):
    """One connected gateway. Every call may raise a `GatewayError`, and nothing else that is expected."""

    def check(self) -> AsyncIterator[Check]:
        """Test the connection with real calls, one line each, in the order a person would look; never raises."""
        ...

    async def ping(self) -> None:
        """One cheap read for the health check; never a list."""
        ...

    async def discover(self, progress: Progress) -> Discovery:
        """Read all products. A page that is missing makes it partial; only a failed first call raises."""
        ...

    async def read(self, product: Product) -> Product | None:
        """The same product as it is now: by native id, else by ref; None if it is gone. Complete, or raises."""
        ...

    async def apply(self, recorded: Product, live: Product | None, steps: Sequence[Step], done: StepDone) -> None:
        """Carry out the steps in the order given (it follows the manifest's kinds), calling `done` after each.

        Raises at the first failure; steps not reported by then have not been applied. Calling it again with what is
        left must finish the work.
        """
        ...

    def export(self, products: Sequence[Product]) -> Document | None:
        """The products as the vendor's own declarative file, marked as ours; None where there is no such format."""
        ...

    async def aclose(self) -> None: ...


Remember = Callable[[str, str], Awaitable[None]]
"""Store a changed setting of the integration by field name, such as the text of an uploaded kong.yml."""


@dataclass(frozen=True, slots=True)
class Connection:
    """Everything a connector gets: the form's values by field name (secrets unsealed), and the way to the vendor.

    `facts` are values made by Aforo for this integration, such as `external_id`, and settings of the installation that
    a gateway needs, such as `aws_principal_arn`. They are named in the gateway's README. `tokens` are there where a
    person has consented at the sign-in's provider.
    """

    integration_id: str
    sign_in: str
    settings: Mapping[str, str]
    transport: Transport
    clock: Clock
    remember: Remember
    facts: Mapping[str, str] = field(default_factory=dict)
    tokens: Tokens | None = None
