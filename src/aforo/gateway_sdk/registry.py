"""Finds the gateways: every package below `aforo.gateways` that has a manifest. Adding a folder is all it takes."""

import importlib
import importlib.util
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any, cast

from aforo.gateway_sdk.artifact import Artifact
from aforo.gateway_sdk.contract import Connection, Document, Gateway, SetupKit
from aforo.gateway_sdk.manifest import Manifest
from aforo.gateway_sdk.pricing import Pricing
from aforo.gateway_sdk.provision import Provisioner
from aforo.gateway_sdk.usage import UsagePull

_PACKAGE = "aforo.gateways"


@dataclass(frozen=True, slots=True)
class Entry:
    """A gateway's manifest, and its parts, which are imported on first use since vendors' libraries are heavy."""

    manifest: Manifest

    def connect(self, connection: Connection) -> Gateway:
        """Make a connector; makes no call yet."""
        connector = cast("Callable[[Connection], Gateway]", self._part("connector").connect)
        return connector(connection)

    def provisioner(self, connection: Connection) -> Provisioner:
        """Consumers, applications and keys at this gateway. Raises LookupError where it has no such part."""
        opened = cast("Callable[[Connection], Provisioner]", self._part("provisioner").connect)
        return opened(connection)

    def pricing(self, connection: Connection) -> Pricing:
        """Plans at this gateway. Raises LookupError where it has no such part."""
        opened = cast("Callable[[Connection], Pricing]", self._part("pricing").connect)
        return opened(connection)

    def artifact(self, connection: Connection) -> Artifact:
        """What runs inside this gateway. Raises LookupError where it has no such part."""
        opened = cast("Callable[[Connection], Artifact]", self._part("artifact").connect)
        return opened(connection)

    def usage(self, connection: Connection) -> UsagePull:
        """This gateway's own usage figures. Raises LookupError where it has no such part."""
        opened = cast("Callable[[Connection], UsagePull]", self._part("usage").connect)
        return opened(connection)

    def emulator(self) -> Any:
        """The module `emulator`: `create(state)` and `sample_connection(base_url)`, see gateway_sdk.emulator."""
        return self._part("emulator")

    def setup(self, settings: Mapping[str, str], facts: Mapping[str, str], variant: str) -> SetupKit | None:
        """What has to be set up at the gateway first; None where nothing has to."""
        if not self.has("setup"):
            return None
        kit = cast("Callable[[Mapping[str, str], Mapping[str, str], str], SetupKit]", self._part("setup").kit)
        return kit(settings, facts, variant)

    def guard(self) -> Document | None:
        """The template by which the vendor refuses to delete what bears the tag; None where it knows no such thing."""
        if not self.has("guard"):
            return None
        return cast("Callable[[], Document]", self._part("guard").guard)()

    def has(self, part: str) -> bool:
        return importlib.util.find_spec(f"{_PACKAGE}.{self.manifest.key}.{part}") is not None

    def _part(self, name: str) -> ModuleType:
        if not self.has(name):
            raise LookupError(f"{self.manifest.name} has no part {name}")
        return importlib.import_module(f"{_PACKAGE}.{self.manifest.key}.{name}")


@cache
def gateways() -> dict[str, Entry]:
    """All gateways by key, in the order of their names."""
    package = importlib.import_module(_PACKAGE)
    keys = [module.name for module in pkgutil.iter_modules(package.__path__) if module.ispkg]
    found = [importlib.import_module(f"{_PACKAGE}.{key}.manifest").MANIFEST for key in keys if _has_manifest(key)]
    return {manifest.key: Entry(manifest) for manifest in sorted(found, key=lambda manifest: manifest.name)}


def _has_manifest(key: str) -> bool:
    return importlib.util.find_spec(f"{_PACKAGE}.{key}.manifest") is not None
