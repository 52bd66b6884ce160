"""Record and gateway side by side, as lines; equal ones folded, changed words marked. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Any, Final

from aforo.catalog.model import Change, ChangeKind, Difference
from aforo.catalog.pages import fields
from aforo.gateway_sdk.contract import Entity, Product
from aforo.kit.jsontree import Absent, Json, leaves

Line = dict[str, Any]
Segments = list[tuple[str, bool]]
_LINES: Final = 120
_EQUAL_DRAWN: Final = 60
"""Equal lines that stand behind folds, over the whole page; beyond it a fold says only how many."""
_LONGEST: Final = 400
_HIDDEN: Final = "changed (hidden)"


@dataclass(slots=True)
class _Paper:
    """The lines written so far, numbered on both sides."""

    lines: list[Line] = field(default_factory=list)
    left_no: int = 0
    right_no: int = 0
    equal: list[Line] = field(default_factory=list)
    equal_drawn: int = 0


def lines(record: Product, live: Product | None, difference: Difference) -> list[Line]:
    """In the record's order, then what only the gateway has. At most 120 changed lines are drawn."""
    paper = _Paper()
    by_entity: dict[tuple[str, str], list[Change]] = {}
    for change in difference.changes:
        by_entity.setdefault((change.entity_kind, change.entity_key), []).append(change)
    for entity in record.entities:
        _entity(paper, entity, by_entity.pop((entity.kind, entity.key), []))
    for changes in by_entity.values():
        for change in changes:
            _child(paper, change)
    if live is None:
        paper.lines = [line for line in paper.lines if line["kind"] == "change"]
    _fold(paper)
    return paper.lines[:_LINES]


def _entity(paper: _Paper, entity: Entity, changes: list[Change]) -> None:
    whole = next((change for change in changes if change.kind is not ChangeKind.FIELD), None)
    if whole:
        _child(paper, whole)
        return
    differing = {change.pointer: change for change in changes}
    equal = {pointer: value for pointer, value in leaves(entity.wished()) if pointer not in differing}
    name = f"{entity.kind} {entity.key}"
    for pointer in sorted({*equal, *differing}):
        label = f"{name}: {fields.dotted(pointer)}"
        if pointer in differing:
            _change(paper, label, differing[pointer])
        elif not any(pointer.startswith(f"{changed}/") for changed in differing):
            _equal(paper, f"{label} = {_value(entity, pointer, equal[pointer])}")


def _child(paper: _Paper, change: Change) -> None:
    """A child that only one side has, all of its lines on that side."""
    value = change.before if change.kind is ChangeKind.MISSING else change.after
    texts = [f"{change.entity_kind} {change.entity_key} ({fields.effect(change)})"]
    if isinstance(value, Mapping):
        texts += [f"  {fields.dotted(pointer)} = {fields.text(leaf)}" for pointer, leaf in leaves(value) if pointer]
    _fold(paper)
    for text in texts:
        side: Segments = [(_cut(text), True)]
        if change.kind is ChangeKind.MISSING:
            _write(paper, side, None)
        else:
            _write(paper, None, side)


def _change(paper: _Paper, label: str, change: Change) -> None:
    _fold(paper)
    if change.secret:
        sides: tuple[Segments | None, Segments | None] = ([(f"{label} = ", False), (_HIDDEN, True)],) * 2
    else:
        sides = _sides(label, change.before, change.after)
    _write(paper, *sides)


def _sides(label: str, before: Json | Absent, after: Json | Absent) -> tuple[Segments | None, Segments | None]:
    """Both values with only their differing words marked; None for a side that has nothing."""
    ours = None if isinstance(before, Absent) else _cut(fields.text(before))
    theirs = None if isinstance(after, Absent) else _cut(fields.text(after))
    if ours is None or theirs is None:
        return (
            None if ours is None else [(f"{label} = ", False), (ours, True)],
            None if theirs is None else [(f"{label} = ", False), (theirs, True)],
        )
    left: Segments = [(f"{label} = ", False)]
    right: Segments = [(f"{label} = ", False)]
    for kind, a, b, c, d in SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes():
        if ours[a:b]:
            left.append((ours[a:b], kind != "equal"))
        if theirs[c:d]:
            right.append((theirs[c:d], kind != "equal"))
    return left, right


def _write(paper: _Paper, left: Segments | None, right: Segments | None) -> None:
    paper.left_no += left is not None
    paper.right_no += right is not None
    paper.lines.append(
        {"kind": "change", "left_no": paper.left_no, "left": left, "right_no": paper.right_no, "right": right}
    )


def _equal(paper: _Paper, text: str) -> None:
    paper.left_no += 1
    paper.right_no += 1
    paper.equal.append({"kind": "equal", "left_no": paper.left_no, "right_no": paper.right_no, "text": _cut(text)})


def _fold(paper: _Paper) -> None:
    """Close the run of equal lines as one visible row."""
    if not paper.equal:
        return
    count = len(paper.equal)
    drawn = list(_within(paper, paper.equal))
    words = f"{count:,} equal field{'' if count == 1 else 's'} hidden."
    if len(drawn) < count:
        words = f"{count:,} equal fields hidden, {len(drawn):,} of them here."
    paper.lines.append({"kind": "fold", "words": words, "lines": drawn})
    paper.equal = []


def _within(paper: _Paper, equal: list[Line]) -> Iterator[Line]:
    for line in equal:
        if paper.equal_drawn < _EQUAL_DRAWN:
            paper.equal_drawn += 1
            yield line


def _value(entity: Entity, pointer: str, value: Json) -> str:
    return "(hidden)" if pointer in entity.secrets else fields.text(value)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text):,} characters)"
