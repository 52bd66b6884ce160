"""An asset's files in Exchange → the API description, as the fields of one entity."""

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any, Final

import yaml

from aforo.gateway_sdk.errors import GatewayNotAnApi
from aforo.kit.jsontree import JsonObject

_LARGEST_BYTES: Final = 16 * 1024 * 1024
_MOST_VALUES: Final = 500_000
_OPENAPI: Final = ("oas", "fat-oas")
_OTHERS: Final = ("raml", "fat-raml", "wsdl", "graphql", "evented-api", "grpc")


def openapi_file(files: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The file that holds OpenAPI: the author's own, else the one with all parts in it, else what Exchange made."""
    found = [file for file in files if file.get("classifier") in _OPENAPI and file.get("externalLink")]
    return min(found, key=_rank) if found else None


def _rank(file: Mapping[str, Any]) -> tuple[bool, int]:
    return bool(file.get("isGenerated")), _OPENAPI.index(file["classifier"])


def other_description(files: Sequence[Mapping[str, Any]]) -> JsonObject | None:
    """A description in another language is compared by its digest alone, which is enough to see that it changed."""
    for kind in _OTHERS:
        for file in files:
            if file.get("classifier") == kind:
                return {"format": kind, "md5": str(file.get("md5") or ""), "sha1": str(file.get("sha1") or "")}
    return None


def parse(content: bytes, file: Mapping[str, Any]) -> JsonObject:
    """The OpenAPI document as JSON values. Raises GatewayNotAnApi, with words, for what is none."""
    text = _main_file(content, str(file.get("mainFile") or "")) if content[:2] == b"PK" else content
    try:
        loaded = json.loads(text) if text.lstrip()[:1] == b"{" else yaml.load(text, Loader=_Loader)  # noqa: S506
        # a SafeLoader of our own
    except (ValueError, yaml.YAMLError, RecursionError) as fault:
        raise _unreadable("neither JSON nor YAML") from fault
    if not isinstance(loaded, dict) or not ("openapi" in loaded or "swagger" in loaded):
        raise _unreadable("no OpenAPI document")
    plain: JsonObject = _Plain().value(loaded, 0)
    return plain


def _main_file(content: bytes, main: str) -> bytes:
    """Out of the archive: the named file, else the only one at its top that can be one."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = [name for name in archive.namelist() if name == main] or _candidates(archive.namelist())
            if not names:
                raise _unreadable("an archive without an OpenAPI document")
            if archive.getinfo(names[0]).file_size > _LARGEST_BYTES:
                raise _unreadable(f"larger than {_LARGEST_BYTES // 2**20} MiB")
            return archive.read(names[0])
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError) as fault:
        raise _unreadable("a broken archive") from fault


def _candidates(names: Sequence[str]) -> list[str]:
    return sorted(
        name
        for name in names
        if "/" not in name and name.endswith((".json", ".yaml", ".yml")) and name != "exchange.json"
    )


class _Loader(yaml.SafeLoader):
    """YAML as OpenAPI means it: a date is a text."""


_Loader.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class _Plain:
    """YAML's values as JSON's. What aliases share is written out, up to a size that no honest document has."""

    def __init__(self) -> None:
        self._left = _MOST_VALUES

    def value(self, value: Any, depth: int) -> Any:
        self._left -= 1
        if self._left < 0 or depth > 200:
            raise _unreadable("too large once its references are written out")
        if isinstance(value, dict):
            return {_member(key): self.value(one, depth + 1) for key, one in value.items()}
        if isinstance(value, list):
            return [self.value(one, depth + 1) for one in value]
        return value if isinstance(value, bool | int | float | str) or value is None else str(value)


def _member(key: Any) -> str:
    """Response codes are often written as numbers, and `on` or `no` as what YAML takes for a boolean."""
    return key if isinstance(key, str) else json.dumps(key) if isinstance(key, bool | int | float) else str(key)


def _unreadable(what: str) -> GatewayNotAnApi:
    return GatewayNotAnApi(
        f"The API description in Exchange cannot be read: it is {what}.",
        next_step="Look at the asset's files in Exchange; publish a new version with a valid description.",
    )
