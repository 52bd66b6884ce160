"""Policy documents: taken apart into their sections in canonical XML, and put together again.

Azure writes a policy anew each time it is saved, with other white space. So what is compared is C14N, indented in one
way; comments stay, since somebody wrote them.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final
from xml.etree import ElementTree as ET
from xml.parsers import expat

from aforo.gateways.azure.mapping.expressions import Taken, Unbalanced, take_out

DOCUMENT: Final = "document"
"""The one field of a policy that cannot be taken apart: its text as it is."""

SECTIONS: Final = ("inbound", "backend", "outbound", "on-error")
_NAMED_VALUE: Final = re.compile(r"\{\{\s*([A-Za-z0-9._-]+)\s*\}\}")
_SECRET_NAME: Final = re.compile(
    r"authorization|password|secret|token|api-?key|subscription-key|^code$|sig$", re.IGNORECASE
)
_PLACES: Final = ("set-header", "set-query-parameter", "set-variable")
_PROSE: Final = re.compile(r"(?:\s|<!--.*?-->)*", re.DOTALL)
_MARKED: Final = re.compile(r"\s*\ue000\d+\ue001\s*")


class _Unreadable(Exception):
    """It is no policy document as we know it."""


def sections(raw: str) -> dict[str, str]:
    """Each section's canonical text by its name; the whole under DOCUMENT where it cannot be taken apart."""
    text = raw.replace("\r\n", "\n")
    try:
        root, taken = _parsed(text)
        return {child.tag: taken.back(_canonical(child)) for child in root if isinstance(child.tag, str)}
    except _Unreadable:
        return {DOCUMENT: text.strip()}


def with_sections(raw: str, changed: Mapping[str, str | None]) -> str:
    """The document with some sections replaced, or with None removed; all else in it stays."""
    if DOCUMENT in changed:
        return changed[DOCUMENT] or ""
    text = raw.replace("\r\n", "\n") or "<policies></policies>"
    try:
        root, taken = _parsed(text)
    except _Unreadable:
        return assembled({name: value for name, value in changed.items() if value is not None})
    kept: list[str] = []
    told = dict(changed)
    for child in root:
        if isinstance(child.tag, str) and child.tag in told:
            kept.append(told.pop(child.tag) or "")
        else:
            kept.append(taken.back(_canonical(child)))
    prose = _PROSE.match(text)
    return _document([*kept, *(value for value in told.values() if value)], prose[0] if prose else "")


def assembled(fields: Mapping[str, object]) -> str:
    """A whole document from its sections."""
    if DOCUMENT in fields:
        return str(fields[DOCUMENT])
    known = [name for name in SECTIONS if name in fields]
    return _document([str(fields[name]) for name in (*known, *(name for name in fields if name not in SECTIONS))])


def children(section: str) -> list[str]:
    """The elements and comments of one section of `sections`, each in canonical form but for `<base />`."""
    root, taken = _parsed(f"<policies>{section}</policies>")
    return ["<base />" if one.tag == "base" else taken.back(_canonical(one)) for one in root[0]]


def named_values(raw: str) -> set[str]:
    """The names that a text refers to as `{{name}}`."""
    return set(_NAMED_VALUE.findall(raw))


def holds_secret(text: str) -> bool:
    """Whether a section says a secret in clear. One that cannot be taken apart may hold anything."""
    try:
        return any(_secrets(_parsed(f"<policies>{text}</policies>")[0]))
    except _Unreadable:
        return True


def _secrets(root: ET.Element) -> Iterator[str]:
    """Literal values under a telling name; what an expression or a named value stands for is elsewhere."""
    for node in root.iter():
        if not isinstance(node.tag, str):
            continue
        told = [value for name, value in node.attrib.items() if _SECRET_NAME.search(name)]
        if node.tag in _PLACES and _SECRET_NAME.search(node.get("name", "")):
            told += [value.text or "" for value in node.iter("value")] + [node.get("value", "")]
        yield from (value for value in told if value.strip() and not _is_elsewhere(value))


def _is_elsewhere(value: str) -> bool:
    return bool(_MARKED.fullmatch(value)) or bool(_NAMED_VALUE.search(value)) or value.strip().startswith("@")


def _document(parts: list[str], prose: str = "") -> str:
    inner = "\n".join(part for part in parts if part)
    return f"{prose}<policies>\n{inner}\n</policies>"


def _parsed(text: str) -> tuple[ET.Element, Taken]:
    """The root, white space that says nothing taken away. Prefixes stay as they were written."""
    try:
        taken = take_out(text)
        root = _tree(taken.text.strip())
    except (Unbalanced, expat.ExpatError) as fault:
        raise _Unreadable from fault
    if root.tag != "policies" or (root.text or "").strip():
        raise _Unreadable
    names = [child.tag for child in root if isinstance(child.tag, str)]
    if len(names) != len(set(names)) or DOCUMENT in names:
        raise _Unreadable
    _strip(root)
    return root, taken


def _tree(text: str) -> ET.Element:
    """Without name spaces, so that prefixes stay; a document type, which no policy has, is refused."""
    builder = ET.TreeBuilder(insert_comments=True)
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    parser.CommentHandler = _Comments(builder).add
    parser.StartDoctypeDeclHandler = _refuse
    parser.Parse(text, True)
    return builder.close()


class _Comments:
    """Their white space says nothing either. Those around the root belong to no tree: the builder drops them."""

    def __init__(self, builder: ET.TreeBuilder) -> None:
        self._builder = builder

    def add(self, text: str) -> None:
        self._builder.comment(text.strip())


def _refuse(*_: object) -> None:
    raise _Unreadable


def _strip(node: ET.Element) -> None:
    """White space between elements, and around an expression that is all there is."""
    text = node.text or ""
    if _MARKED.fullmatch(text) or not text.strip():
        node.text = text.strip()
    for child in node:
        if not (child.tail or "").strip():
            child.tail = None
        if isinstance(child.tag, str):
            _strip(child)


def _canonical(node: ET.Element) -> str:
    node.tail = None
    if not isinstance(node.tag, str):
        return ET.tostring(node, encoding="unicode")
    _indent(node, "\n")
    try:
        return ET.canonicalize(ET.tostring(node, encoding="unicode"), with_comments=True)
    except ET.ParseError as fault:
        raise _Unreadable from fault


def _indent(node: ET.Element, line: str) -> None:
    """One element a line, unless there is text between the elements."""
    if not len(node) or (node.text or "").strip() or any((child.tail or "").strip() for child in node):
        return
    node.text = f"{line}  "
    for child in node:
        child.tail = f"{line}  "
        if isinstance(child.tag, str):
            _indent(child, f"{line}  ")
    node[-1].tail = line
