"""JSON trees as AWS's rules walk them."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from aforo.kit.jsontree import Json, canonical

THIS_API: Final = "{this-api}"
"""Stands for the API's own id, which is another one when the API is re-created."""

Tree = dict[str, Any]


def without(tree: Tree, names: "frozenset[str] | set[str]") -> Tree:
    return {name: value for name, value in tree.items() if name not in names}


def sorted_lists(tree: Tree, name: str) -> Tree:
    """Every list under a member of this name, in the order of its elements' canonical texts."""

    def ordered(node: Tree) -> Tree:
        value = node.get(name)
        return {**node, name: sorted(value, key=canonical)} if isinstance(value, list) else node

    return as_object(nodes(tree, ordered))


def nodes(value: Json, change: Callable[[Tree], Tree]) -> Json:
    """The value with `change` applied to each object in it, the inner ones first."""
    if isinstance(value, Mapping):
        return change({name: nodes(member, change) for name, member in value.items()})
    if isinstance(value, list | tuple):
        return [nodes(member, change) for member in value]
    return value


def texts(value: Json, change: Callable[[str], str]) -> Json:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {name: texts(member, change) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [texts(member, change) for member in value]
    return value


def as_object(value: Json) -> Tree:
    return dict(value) if isinstance(value, Mapping) else {}


def with_own_id(tree: Json, api_id: str) -> Json:
    """The way back: our placeholder replaced by the id that the API has now."""
    return texts(tree, lambda text: text.replace(THIS_API, api_id))
