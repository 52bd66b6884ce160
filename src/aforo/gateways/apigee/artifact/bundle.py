"""The bundles that Aforo brings: `aforo-metering` from `templates/`, and wrappers around what stood on a hook. No I/O
but reading our own files.
"""

import io
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from lxml import etree

FLOW: Final = "aforo-metering"
PRE: Final = "PreProxyFlowHook"
POST: Final = "PostProxyFlowHook"
_ROOT: Final = "sharedflowbundle/"
_TEMPLATES: Final = Path(__file__).parent.parent / "templates"
_VERSION: Final = re.compile(rb"AFORO_VERSION = '([^']+)'")
_VERSIONED: Final = f"{_ROOT}resources/jsc/aforo-event.js"
_THEIRS: Final = f"{_ROOT}policies/FC-Theirs.xml"
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Wrapped:
    """Whose shared flow a wrapper calls first, and whether its faults are overlooked."""

    shared_flow: str
    continues: bool


@cache
def metering() -> Mapping[str, bytes]:
    """The files of `aforo-metering` by their path in the bundle."""
    paths = sorted(path for path in _TEMPLATES.rglob("*") if path.is_file())
    return {path.relative_to(_TEMPLATES).as_posix(): path.read_bytes() for path in paths}


@cache
def version() -> str:
    """As the installed script names itself in every event."""
    return _version_of(metering()) or ""


def zipped(files: Mapping[str, bytes]) -> bytes:
    """The same bytes for the same files."""
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), content)
    return raw.getvalue()


def unzipped(raw: bytes) -> dict[str, bytes]:
    """The files of a bundle; none where it is no zip file."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            return {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}
    except zipfile.BadZipFile:
        return {}


def version_in(files: Mapping[str, bytes]) -> str | None:
    """Which of our versions a bundle is; None for what is not ours."""
    return _version_of(files)


def is_same(one: Mapping[str, bytes], other: Mapping[str, bytes]) -> bool:
    """Whether two bundles do the same. Apigee writes the manifest at the root anew, so that is not compared."""
    return _compared(one) == _compared(other)


def wrapper_name(environment: str, hook: str) -> str:
    return f"aforo-wrap-{environment}-{'pre' if hook == PRE else 'post'}"


def wrapper(name: str, theirs: Wrapped, *, continues: bool) -> dict[str, bytes]:
    """A shared flow that calls theirs, then ours. `continues`: what ours does not manage is overlooked."""
    calls = (("FC-Theirs", theirs.shared_flow, theirs.continues), ("FC-Aforo", FLOW, continues))
    steps = "".join(f"  <Step>\n    <Name>{policy}</Name>\n  </Step>\n" for policy, _, _ in calls)
    files = {
        f"{_ROOT}{name}.xml": _manifest(name, [policy for policy, _, _ in calls]),
        f"{_ROOT}sharedflows/default.xml": f'<SharedFlow name="default">\n{steps}</SharedFlow>\n',
    }
    for policy, flow, overlooks in calls:
        files[f"{_ROOT}policies/{policy}.xml"] = _callout(policy, flow, continues=overlooks)
    head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    return {path: f"{head}{text}".encode() for path, text in files.items()}


def wrapped(files: Mapping[str, bytes]) -> Wrapped | None:
    """What a wrapper of ours calls first; None for what is none."""
    if _THEIRS not in files:
        return None
    root = _xml(files[_THEIRS])
    flow = (root.findtext("SharedFlowBundle") or "").strip()
    return Wrapped(flow, root.get("continueOnError") == "true") if flow else None


def _callout(policy: str, flow: str, *, continues: bool) -> str:
    return (
        f'<FlowCallout name="{policy}" continueOnError="{str(continues).lower()}" enabled="true">\n'
        f"  <DisplayName>{policy}</DisplayName>\n  <SharedFlowBundle>{flow}</SharedFlowBundle>\n</FlowCallout>\n"
    )


def _manifest(name: str, policies: list[str]) -> str:
    listed = "".join(f"    <Policy>{policy}</Policy>\n" for policy in policies)
    return (
        f'<SharedFlowBundle revision="1" name="{name}">\n  <DisplayName>{name}</DisplayName>\n'
        f"  <Policies>\n{listed}  </Policies>\n"
        "  <SharedFlows>\n    <SharedFlow>default</SharedFlow>\n  </SharedFlows>\n"
        "  <subType>SharedFlow</subType>\n</SharedFlowBundle>\n"
    )


def _version_of(files: Mapping[str, bytes]) -> str | None:
    found = _VERSION.search(files.get(_VERSIONED, b""))
    return found[1].decode() if found else None


def _compared(files: Mapping[str, bytes]) -> dict[str, bytes]:
    inner = {name: content for name, content in files.items() if name.count("/") > 1}
    return {name: _plain(name, content) for name, content in inner.items()}


def _plain(name: str, content: bytes) -> bytes:
    if not name.endswith(".xml"):
        return content
    return bytes(etree.tostring(_xml(content), method="c14n"))


def _xml(content: bytes) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_blank_text=True, remove_comments=True)
    try:
        return etree.fromstring(content, parser)
    except etree.XMLSyntaxError:
        return etree.Element("unreadable")
