"""The kinds of entity that the emulator keeps, and where the Admin API shows each of them."""

from dataclasses import dataclass, field
from functools import cached_property

from .schemas import ENTITIES, Schema


@dataclass(frozen=True)
class Kind:
    """One kind of entity.

    `path` is its collection at the top, `nested` its name below a parent; `handle` is the field that may stand for the
    id in a path. `together` are fields that are unique only as a whole, besides those that the schema calls unique.
    """

    name: str
    path: str
    nested: str
    handle: str
    together: tuple[str, ...] = ()
    parents: dict[str, str] = field(default_factory=dict)
    has_ttl: bool = False

    @cached_property
    def schema(self) -> Schema:
        return ENTITIES[self.name]

    @cached_property
    def nodes(self) -> dict[str, Schema]:
        return {name: node for entry in self.schema["fields"] for name, node in entry.items()}

    @cached_property
    def unique(self) -> list[tuple[str, ...]]:
        alone: list[tuple[str, ...]] = [(name,) for name, node in self.nodes.items() if node.get("unique")]
        return [*alone, self.together] if self.together else alone

    def cascades(self, member: str) -> bool:
        """Whether the entity goes when its parent goes; otherwise the parent cannot go."""
        return self.nodes[member].get("on_delete") == "cascade"


_SCOPES = {"service": "services", "route": "routes", "consumer": "consumers"}
_OF_CONSUMER = {"consumer": "consumers"}

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("services", "services", "services", "name"),
        Kind("routes", "routes", "routes", "name", parents={"service": "services"}),
        Kind("consumers", "consumers", "consumers", "username"),
        Kind("plugins", "plugins", "plugins", "instance_name", ("name", "consumer", "route", "service"), _SCOPES),
        Kind("keyauth_credentials", "key-auths", "key-auth", "key", parents=_OF_CONSUMER, has_ttl=True),
        Kind("acls", "acls", "acls", "group", ("consumer", "group"), _OF_CONSUMER),
        Kind("upstreams", "upstreams", "upstreams", "name"),
        Kind("targets", "targets", "targets", "target", ("target", "upstream"), {"upstream": "upstreams"}),
    )
}
BY_PATH = {kind.path: kind for kind in KINDS.values()}


def below(parent: Kind, nested: str) -> tuple[Kind, str] | None:
    """The kind shown as `nested` below entities of `parent`, and its member that names the parent."""
    for kind in KINDS.values():
        for member, parents in kind.parents.items():
            if kind.nested == nested and parents == parent.name:
                return kind, member
    return None
