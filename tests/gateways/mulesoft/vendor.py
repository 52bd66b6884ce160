"""MuleSoft's own descriptions and those of the Go client, as JSON schemas by operation.

The descriptions lie in many files that refer to one another by path, so references are followed here. OpenAPI 3.0's
`nullable` becomes a type beside the others.
"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml
from jsonschema import Draft202012Validator

from tests.shared_facts import shared

FILES: Final = {
    "mulesoft-dx/api-manager/api.yaml": "/apimanager/api/v1",
    "mulesoft-dx/access-management/api.yaml": "/accounts/api",
    "mulesoft-dx/exchange-experience/api.yaml": "/exchange/api/v2",
    "anypoint-client-go/apim.openapi.yaml": "/apimanager",
    "anypoint-client-go/apim_policy.openapi.yaml": "/apimanager",
    "anypoint-client-go/apim_tier.openapi.yaml": "/apimanager",
    "anypoint-client-go/apim_upstream.openapi.yaml": "/apimanager/api/v1",
    "anypoint-client-go/apim_contract.openapi.yaml": "/apimanager",
    "anypoint-client-go/authorization.openapi.yaml": "/accounts",
    "anypoint-client-go/connected_app.openapi.yaml": "/accounts/api",
    "anypoint-client-go/env.openapi.yaml": "/accounts/api",
    "anypoint-client-go/exchange_assets.openapi.yaml": "/exchange/api/v2",
    "anypoint-client-go/exchange_client_apps.openapi.yaml": "/exchange/api/v2",
}
"""Each description, and what its paths stand below."""


@dataclass(frozen=True)
class Described:
    """One operation in one description."""

    file: str
    told: dict[str, Any]

    @property
    def source(self) -> str:
        """`mulesoft-dx` is the vendor's own, `anypoint-client-go` the community's."""
        return self.file.partition("/")[0]

    def lists(self, status: int) -> bool:
        return str(status) in self.told["responses"] or "default" in self.told["responses"]

    def answer(self, status: int) -> dict[str, Any] | None:
        """The schema of an answer's body; None where the description has none."""
        answers = self.told["responses"]
        told = _followed(answers.get(str(status)) or answers.get("default") or {}, self._path)
        return self._schema(told)

    def request(self) -> dict[str, Any] | None:
        return self._schema(_followed(self.told.get("requestBody") or {}, self._path))

    def _schema(self, told: dict[str, Any]) -> dict[str, Any] | None:
        media = (told.get("content") or {}).get("application/json") or {}
        found = media.get("schema")
        return None if found is None else _plain(found, self._path)

    @property
    def _path(self) -> Path:
        return shared(f"specs/mulesoft/{self.file}")


def described(method: str, path: str) -> list[Described]:
    """The operation in every description that has it; `path` with its ids or their names."""
    return [one for pattern, one in _operations()[method.lower()] if pattern.fullmatch(path)]


def complaints(schema: dict[str, Any] | None, value: Any) -> list[str]:
    """What a strict validator has to say."""
    if schema is None:
        return []
    found = Draft202012Validator(schema).iter_errors(value)
    return sorted(f"{one.json_path}: {_short(one.message)}" for one in found)


@cache
def _operations() -> dict[str, list[tuple[re.Pattern[str], Described]]]:
    found: dict[str, list[tuple[re.Pattern[str], Described]]] = {}
    for file, base in FILES.items():
        for path, item in _document(shared(f"specs/mulesoft/{file}"))["paths"].items():
            pattern = re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(base + path)))
            for method in ("get", "post", "put", "patch", "delete"):
                if method in (item or {}):
                    found.setdefault(method, []).append((pattern, Described(file, item[method])))
    return found


@cache
def _document(path: Path) -> Any:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(path.read_text(), Loader=loader)


def _followed(told: dict[str, Any], path: Path) -> dict[str, Any]:
    return _at(told["$ref"], path)[0] if "$ref" in told else told


def _at(reference: str, path: Path) -> tuple[Any, Path]:
    """What a reference leads to, and the file that it is in."""
    file, _, pointer = reference.partition("#")
    target = (path.parent / file).resolve() if file else path
    here = _document(target)
    for part in pointer.split("/")[1:]:
        here = here[part.replace("~1", "/").replace("~0", "~")]
    return here, target


def _plain(schema: Any, path: Path) -> Any:
    """The schema with its references written out, as JSON Schema 2020-12 has it."""
    if isinstance(schema, list):
        return [_plain(one, path) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if isinstance(schema.get("$ref"), str):
        found, target = _at(schema["$ref"], path)
        return _plain(found, target)
    told = {name: _plain(one, path) for name, one in schema.items() if name not in ("nullable", "example", "examples")}
    if schema.get("nullable") is True:
        return {"anyOf": [{"type": "null"}, told]}
    return told


def _short(message: str) -> str:
    """Without the middle of what may be a whole body."""
    return message if len(message) < 200 else f"{message[:60]} … {message[-60:]}"
