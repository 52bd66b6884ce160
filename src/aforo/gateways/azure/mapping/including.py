"""Our fragments in somebody's policy document: put in after `base`, taken out again, and nothing else moved. Pure.

The text is edited, not written anew, so that comments, order and expressions of others stay letter by letter.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from aforo.gateways.azure.mapping.expressions import Unbalanced, take_out

FRAGMENTS: Final = {"inbound": "aforo-inbound", "outbound": "aforo-outbound", "on-error": "aforo-on-error"}
"""Section → the fragment that belongs into it."""

EMPTY: Final = (
    "<policies>\n\t<inbound>\n\t\t<!-- made by Aforo, and gone when it is detached -->\n\t\t<base />\n\t</inbound>\n"
    "\t<backend>\n\t\t<base />\n\t</backend>\n\t<outbound>\n\t\t<base />\n\t</outbound>\n"
    "\t<on-error>\n\t\t<base />\n\t</on-error>\n</policies>"
)
"""What an API or a product without a policy does, marked, so that a customer's own of the same content is not ours."""

_TAG: Final = re.compile(
    r"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<(/?)([\w.:-]+)((?:[^<>\"']|\"[^\"]*\"|'[^']*')*?)(/?)>", re.DOTALL
)
_OURS: Final = re.compile(
    r"""[ \t]*<include-fragment\s+fragment-id\s*=\s*["']aforo-(?:inbound|outbound|on-error)["']\s*/>[ \t]*(?:\r?\n)?"""
    r"""|<!--.*?-->""",
    re.DOTALL,
)


class NotAPolicy(Exception):
    """The document cannot be taken apart, so nothing is put into it."""


@dataclass(frozen=True, slots=True)
class _Tag:
    name: str
    start: int
    end: int
    opens: bool
    closes: bool


def included(raw: str) -> tuple[str, ...]:
    """The sections that include their fragment of ours."""
    try:
        masked = take_out(raw).text
    except Unbalanced:
        return ()
    return tuple(
        section
        for section, fragment in FRAGMENTS.items()
        if any(
            re.search(rf"[\"']{fragment}[\"']", masked[tag.start : tag.end])
            for tag in _tags(masked, "include-fragment")
        )
    )


def with_ours(raw: str, *, has_base: bool = True) -> str:
    """Each fragment behind its section's `base`, else at its beginning. What is there already stays where it is.

    `has_base`: there is a scope above, which a section that has to be made must go on to. Raises NotAPolicy.
    """
    there = included(raw)
    for section, fragment in FRAGMENTS.items():
        if section not in there:
            raw = _put_in(raw, section, f'<include-fragment fragment-id="{fragment}" />', has_base=has_base)
    return raw


def without_ours(raw: str) -> str:
    """Every include of ours taken out, with its line; includes in comments are somebody's words."""
    if "aforo-" not in raw:
        return raw
    try:
        taken = take_out(raw)
    except Unbalanced:
        return raw
    return taken.back(_OURS.sub(lambda found: found[0] if found[0].startswith("<!--") else "", taken.text))


def _put_in(raw: str, section: str, element: str, *, has_base: bool) -> str:
    try:
        taken = take_out(raw)
    except Unbalanced as fault:
        raise NotAPolicy from fault
    text = taken.text
    found = _children(text)
    tag = next((one for one in found if one.name == section), None)
    if tag is None:
        end = next((one for one in _tags(text, "policies") if one.closes and not one.opens), None)
        if end is None:
            raise NotAPolicy
        before = text[: end.start].rstrip()
        base_line = "\n\t\t<base />" if has_base else ""
        return taken.back(f"{before}\n\t<{section}>{base_line}\n\t\t{element}\n\t</{section}>\n{text[end.start :]}")
    if tag.closes:
        return taken.back(f"{text[: tag.start]}<{section}>\n\t\t{element}\n\t</{section}>{text[tag.end :]}")
    base = next((one for one in _inside(text, tag) if one.name == "base"), None)
    at = base.end if base else tag.end
    return taken.back(f"{text[:at]}{_line(text, base.start if base else at)}{element}{text[at:]}")


def _line(text: str, at: int) -> str:
    """The break and the indent of the line that `at` stands on."""
    start = text.rfind("\n", 0, at) + 1
    indent = text[start:at]
    ending = "\r\n" if text[max(0, start - 2) : start] == "\r\n" else "\n"
    return ending + (indent if start and not indent.strip() else "\t\t")


def _children(text: str) -> list[_Tag]:
    """The opening tags right below `policies`."""
    return list(_below(text, 1, 0, len(text)))


def _inside(text: str, section: _Tag) -> list[_Tag]:
    return list(_below(text, 1, section.start, len(text)))


def _below(text: str, depth: int, start: int, end: int) -> Iterator[_Tag]:
    """Tags at this depth, seen from the element that begins at `start`, until it ends."""
    level = 0
    for tag in _tags(text[start:end]):
        if tag.opens and level == depth:
            yield _Tag(tag.name, tag.start + start, tag.end + start, tag.opens, tag.closes)
        level += tag.opens - tag.closes
        if level == 0:
            return


def _tags(text: str, name: str = "") -> Iterator[_Tag]:
    for found in _TAG.finditer(text):
        if found[2] is None or (name and found[2] != name):
            continue
        opens = not found[1]
        yield _Tag(found[2], found.start(), found.end(), opens, closes=bool(found[1] or found[4]))
