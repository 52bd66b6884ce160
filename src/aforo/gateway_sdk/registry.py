"""Finds the gateways: every package below `aforo.gateways` that has a manifest. Adding a folder is all it takes."""

import importlib
import importlib.util
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any, cast

from aforo.gateway_sdk.contract import Connection, Gateway
from aforo.gateway_sdk.manifest import Manifest

_PACKAGE = "aforo.gateways"


@dataclass(frozen=True, slots=True)
class Entry:
    """A gateway's manifest, and its parts, which are imported on first use since vendors' libraries are heavy."""

    manifest: Manifest

    def connect(self, connection: Connection) -> Gateway:
        """Make a connector; makes no call yet."""
        connector = cast("Callable[[Connection], Gateway]", self._part("connector").connect)
        return connector(connection)

    def emulator(self) -> Any:
        """The module `emulator`: `create(state)` and `sample_connection(base_url)`, see gateway_sdk.emulator."""
        return self._part("emulator")

    def has(self, part: str) -> bool:
        return importlib.util.find_spec(f"{_PACKAGE}.{self.manifest.key}.{part}") is not None

    def _part(self, name: str) -> ModuleType:
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
