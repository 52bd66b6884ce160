"""Evaluates expressions, and tells beforehand what in one is not in the closed list."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import cache
from typing import Any, Final

from aforo.gateways.azure.emulator.engine import NotEmulated
from aforo.gateways.azure.emulator.engine.csharp import Body, Tree, read
from aforo.gateways.azure.emulator.engine.members import (
    CONSTRUCTORS,
    CONTEXT,
    METHODS,
    PROPERTIES,
    STATICS,
    CsharpFault,
    Thing,
    cast,
    kind_of,
    text,
)

_TYPES: Final = {name.partition(".")[0] for name in STATICS} | {"DateTime"}
_MEMBERS: Final = {name.partition(".")[2] for name in (*PROPERTIES, *METHODS, *STATICS)} | {"UtcNow"}
_IN_CONTEXT: Final = {name for names in CONTEXT.values() for name in names}


def unknown(expression: str) -> list[str]:
    """What an expression names that is not in the list; empty where it can be evaluated."""
    try:
        body = _read(expression)
    except NotEmulated as fault:
        return [str(fault)]
    known = {"context", *_TYPES, *(name for name, _ in body.variables)}
    trees = [*(tree for _, tree in body.variables), body.result]
    return [one for tree in trees for one in _unknown(tree, known)]


def _unknown(tree: Tree, known: set[str]) -> Iterator[str]:
    if tree.what == "name" and tree.name not in known:
        yield tree.name
    if tree.what == "member" and tree.name not in _MEMBERS | _IN_CONTEXT:
        yield f".{tree.name}"
    if tree.what == "call" and f"{tree.name}()" not in _MEMBERS:
        yield f".{tree.name}()"
    if tree.what == "new" and tree.name not in CONSTRUCTORS:
        yield f"new {tree.name}"
    for part in tree.parts:
        yield from _unknown(part, known)


def evaluate(expression: str, context: Thing, now: Callable[[], datetime]) -> Any:
    """The value of `@(…)` or `@{…}`. Raises CsharpFault as .NET would throw, NotEmulated beyond the list."""
    body = _read(expression)
    names: dict[str, Any] = {"context": context}
    run = _Run(names, now)
    for name, tree in body.variables:
        names[name] = run.value(tree)
    return run.value(body.result)


@cache
def _read(expression: str) -> Body:
    return read(expression)


class _Run:
    def __init__(self, names: Mapping[str, Any], now: Callable[[], datetime]) -> None:
        self._names = names
        self._now = now

    def value(self, tree: Tree) -> Any:
        return _HOW[tree.what](self, tree)

    def literal(self, tree: Tree) -> Any:
        return tree.value

    def name(self, tree: Tree) -> Any:
        if tree.name not in self._names:
            raise NotEmulated(f"the name {tree.name}")
        return self._names[tree.name]

    def choice(self, tree: Tree) -> Any:
        condition, then, otherwise = tree.parts
        return self.value(then if self.value(condition) else otherwise)

    def cast(self, tree: Tree) -> Any:
        return cast(tree.name, self.value(tree.parts[0]), nullable=bool(tree.value))

    def unary(self, tree: Tree) -> Any:
        value = self.value(tree.parts[0])
        return not value if tree.name == "!" else -value

    def new(self, tree: Tree) -> Any:
        if tree.name not in CONSTRUCTORS:
            raise NotEmulated(f"new {tree.name}")
        return CONSTRUCTORS[tree.name](*map(self.value, tree.parts))

    def index(self, tree: Tree) -> Any:
        """A JSON object answers null for a name that it lacks; all else throws."""
        owner, key = (self.value(part) for part in tree.parts)
        kind = "null" if owner is None else kind_of(owner)
        if kind == "JObject":
            return owner.get(key)
        if kind in ("Variables", "JArray"):
            try:
                return owner[key]
            except LookupError as fault:
                raise CsharpFault(f"The given key '{key}' was not present") from fault
        raise CsharpFault(f"{kind} has no index") if owner is None else NotEmulated(f"the index of {kind}")

    def member(self, tree: Tree) -> Any:
        owner = tree.parts[0]
        if owner.what == "name" and owner.name in _TYPES and owner.name not in self._names:
            if (owner.name, tree.name) == ("DateTime", "UtcNow"):
                return self._now()
            raise NotEmulated(f"{owner.name}.{tree.name}")
        value = self.value(owner)
        if value is None:
            return _of_null(tree)
        kind = kind_of(value)
        if isinstance(value, Thing) and tree.name in CONTEXT.get(kind, ()):
            return value.get(tree.name)
        if f"{kind}.{tree.name}" in PROPERTIES:
            return PROPERTIES[f"{kind}.{tree.name}"](value)
        raise NotEmulated(f"{kind}.{tree.name}")

    def call(self, tree: Tree) -> Any:
        owner, *rest = tree.parts
        if owner.what == "name" and owner.name in _TYPES and owner.name not in self._names:
            twin = STATICS.get(f"{owner.name}.{tree.name}()")
            if twin is None:
                raise NotEmulated(f"{owner.name}.{tree.name}()")
            return twin(*map(self.value, rest))
        value = self.value(owner)
        if value is None:
            return _of_null(tree)
        twin = METHODS.get(f"{kind_of(value)}.{tree.name}()")
        if twin is None:
            raise NotEmulated(f"{kind_of(value)}.{tree.name}()")
        return twin(value, *map(self.value, rest))

    def binary(self, tree: Tree) -> Any:
        left, right = tree.parts
        if tree.name == "??":
            found = self.value(left)
            return self.value(right) if found is None else found
        if tree.name in ("&&", "||"):
            first = self.value(left)
            return self.value(right) if bool(first) == (tree.name == "&&") else first
        return _SIGNS[tree.name](self.value(left), self.value(right))


def _of_null(tree: Tree) -> None:
    if not tree.unless_null:
        raise CsharpFault(f"Object reference not set to an instance of an object: {tree.name}")


def _sum(left: Any, right: Any) -> Any:
    if isinstance(left, str) or isinstance(right, str):
        return text(left) + text(right)
    return left + right


def _quotient(left: Any, right: Any) -> Any:
    if isinstance(left, int) and isinstance(right, int):
        if right == 0:
            raise CsharpFault("Attempted to divide by zero.")
        return int(left / right)
    return left / right


_SIGNS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "==": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    "<": lambda left, right: left < right,
    ">": lambda left, right: left > right,
    "<=": lambda left, right: left <= right,
    ">=": lambda left, right: left >= right,
    "+": _sum,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": _quotient,
    "%": lambda left, right: left % right,
}
_HOW: Final[Mapping[str, Callable[[_Run, Tree], Any]]] = {
    "literal": _Run.literal, "name": _Run.name, "choice": _Run.choice, "cast": _Run.cast, "unary": _Run.unary,
    "new": _Run.new, "index": _Run.index, "member": _Run.member, "call": _Run.call, "binary": _Run.binary,
}  # fmt: skip
