"""Operation configurations: the five groups that a product may have of them, and how one is known again.

Apigee gives a configuration no id. Its key is what a person would call it, its proxy and what it is about; several of
the same key are counted in the order of the list. Its native id tells the methods as well, so that among several of
the same key each finds its twin, whatever has been put before it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from aforo.gateways.apigee.mapping.trees import Row
from aforo.kit.jsontree import digest


@dataclass(frozen=True, slots=True)
class Group:
    """`listed` is the member that lists what a configuration is about, `named` the members that name each of these."""

    prefix: str
    listed: str
    named: tuple[str, ...]


GROUPS: Final[Mapping[str, Group]] = {
    "operationGroup": Group("", "operations", ("resource",)),
    "graphqlOperationGroup": Group("graphql:", "operations", ("operation",)),
    "grpcOperationGroup": Group("grpc:", "", ("service",)),
    "llmOperationGroup": Group("llm:", "llmOperations", ("resource", "model")),
    "payloadOperationGroup": Group("payload:", "operations", ("operation",)),
}
CONFIGS: Final = "operationConfigs"
ANYTHING: Final = "*"


@dataclass(frozen=True, slots=True)
class Config:
    """One configuration, and where it stands."""

    group: str
    index: int
    key: str
    native_id: str
    row: Row


def configs(product: Mapping[str, Any]) -> Iterator[Config]:
    """All of a product's, in the order in which Apigee lists them."""
    seen: dict[str, int] = {}
    for name, group in GROUPS.items():
        for index, row in enumerate((product.get(name) or {}).get(CONFIGS) or ()):
            key, native = _key(row, group), f"{name}:{_signature(row, group)}"
            yield Config(name, index, _counted(key, seen), _counted(native, seen), row)


def group_of(native_id: str) -> str:
    """The member of a product that this configuration belongs in."""
    return native_id.partition(":")[0]


def name_of(row: Mapping[str, Any], group: Group) -> str:
    return " ".join(str(row.get(member) or ANYTHING) for member in group.named)


def _key(row: Row, group: Group) -> str:
    about = [name_of(one, group) for one in row.get(group.listed) or ()] if group.listed else [name_of(row, group)]
    return f"{group.prefix}{row.get('apiSource') or ANYTHING} {', '.join(sorted(about)) or ANYTHING}"


def _signature(row: Row, group: Group) -> str:
    told = row.get(group.listed) or () if group.listed else (row,)
    about = sorted([name_of(one, group), *_choices(one)] for one in told)
    return f"{row.get('apiSource') or ANYTHING}:{digest([list(one) for one in about])[:16]}"


def _choices(row: Mapping[str, Any]) -> list[str]:
    return sorted({str(one) for member in ("methods", "operationTypes") for one in row.get(member) or ()})


def _counted(text: str, seen: dict[str, int]) -> str:
    seen[text] = seen.get(text, 0) + 1
    return text if seen[text] == 1 else f"{text} #{seen[text]}"
