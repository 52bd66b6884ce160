"""A shared flow's bundle: its steps, its policies, its scripts, and what is wrong with it."""

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from lxml import etree

from .conditions import BadCondition, Test, parse

Element = Any
_ROOT: Final = "sharedflowbundle/"


class BadBundle(ValueError):
    """What cannot be deployed, in words."""


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy's file. `kind` is its root element, such as `KeyValueMapOperations`."""

    name: str
    kind: str
    element: Element
    enabled: bool
    continues: bool

    def value(self, path: str, default: str = "") -> str:
        """The text at a path, without spaces around it."""
        found = self.element.findtext(path)
        return found.strip() if found else default

    def is_true(self, path: str) -> bool:
        return self.value(path).lower() == "true"


@dataclass(frozen=True, slots=True)
class Step:
    name: str
    condition: Test


@dataclass(frozen=True, slots=True)
class Bundle:
    steps: tuple[Step, ...]
    policies: dict[str, Policy]
    scripts: dict[str, str] = field(default_factory=dict)


def read(raw: bytes) -> Bundle:
    """Raises BadBundle for what Apigee could not deploy."""
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        files = {name.removeprefix(_ROOT): archive.read(name) for name in archive.namelist() if name.startswith(_ROOT)}
    policies = {policy.name: policy for policy in _policies(files)}
    if "sharedflows/default.xml" not in files:
        raise BadBundle("There is no sharedflows/default.xml.")
    steps = tuple(_steps(_xml("sharedflows/default.xml", files["sharedflows/default.xml"])))
    for step in steps:
        if step.name not in policies:
            raise BadBundle(f"The step {step.name} names no policy of the bundle.")
    prefix = "resources/jsc/"
    scripts = {name.removeprefix(prefix): file.decode() for name, file in files.items() if name.startswith(prefix)}
    return Bundle(steps, policies, scripts)


def _policies(files: dict[str, bytes]) -> Iterator[Policy]:
    for name, file in files.items():
        if name.startswith("policies/") and name.endswith(".xml"):
            root = _xml(name, file)
            own = root.get("name", "")
            if own != name.removeprefix("policies/").removesuffix(".xml"):
                raise BadBundle(f"{name} calls itself {own!r}.")
            enabled = root.get("enabled", "true") == "true"
            yield Policy(own, root.tag, root, enabled, root.get("continueOnError", "false") == "true")


def _steps(root: Element) -> Iterator[Step]:
    if root.tag != "SharedFlow":
        raise BadBundle("sharedflows/default.xml is no SharedFlow.")
    for step in root:
        if step.tag != "Step":
            raise BadBundle(f"A shared flow has steps only, and no {step.tag}.")
        try:
            yield Step((step.findtext("Name") or "").strip(), parse(step.findtext("Condition") or ""))
        except BadCondition as fault:
            raise BadBundle(f"The condition of {step.findtext('Name')}: {fault}") from None


def _xml(name: str, file: bytes) -> Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True)
    try:
        return etree.fromstring(file, parser)
    except etree.XMLSyntaxError as fault:
        raise BadBundle(f"{name} is no XML: {fault}") from None
