"""What Azure tells of one product, as a product with its entities."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from aforo.gateway_sdk.contract import SPEC_KIND, Entity, Product
from aforo.gateways.azure.mapping.policies import DOCUMENT as WHOLE
from aforo.gateways.azure.mapping.policies import holds_secret, named_values
from aforo.gateways.azure.mapping.rules import API, DOCUMENT, NAMED_VALUE, POLICY, PRODUCT, canonical_form
from aforo.kit.jsontree import JsonObject, escape

Row = Mapping[str, Any]

MARK: Final = "aforo"
"""A tag of this name, or one that begins so, is our mark and nobody's wish."""

SETTINGS: Final = "settings"
OF_PRODUCT: Final = "product"
OF_API: Final = "api:"
"""A policy's key: `product`, or `api:<name>`."""

SPEC_SUFFIX: Final = "#spec"
_PRODUCT_DEFAULTS: Final[JsonObject] = {
    "subscriptionRequired": True,
    "approvalRequired": False,
    "state": "notPublished",
}
_API_DEFAULTS: Final[JsonObject] = {
    "type": "http",
    "protocols": ["https"],
    "subscriptionRequired": True,
    "subscriptionKeyParameterNames": {"header": "Ocp-Apim-Subscription-Key", "query": "subscription-key"},
}
_TELLING: Final = re.compile(r"secret|password|passwd|token|key|credential|connection-?string|sas", re.IGNORECASE)
_VERSION_TAG: Final = re.compile(r"^(?:version:(?P<told>.+)|(?P<plain>v\d+(?:\.\d+)*))$", re.IGNORECASE)
_VERSION_SEGMENT: Final = re.compile(r"(?:^|/)(v\d+)(?=$|/)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ApiRead:
    """One API of a product. `document` is None for an API that has no OpenAPI description, such as a WebSocket."""

    row: Row
    document: Row | None
    policy: str | None

    @property
    def name(self) -> str:
        return api_name(self.row)


@dataclass(frozen=True, slots=True)
class ProductRead:
    """One product, all that was read of it. `tags` by their ids."""

    row: Row
    apis: Sequence[ApiRead] = ()
    policy: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    def named_values(self) -> set[str]:
        """The names of the named values that its policies and backends refer to."""
        texts = [self.policy or "", *(api.policy or "" for api in self.apis)]
        texts += [str(properties(api.row).get("serviceUrl") or "") for api in self.apis]
        return {name for text in texts for name in named_values(text)}


def properties(row: Row) -> Row:
    told = row.get("properties")
    return told if isinstance(told, Mapping) else {}


def api_name(row: Row) -> str:
    """An API's name without its revision."""
    return str(row.get("name")).partition(";rev=")[0]


def has_openapi(row: Row) -> bool:
    """Only these can be exported as OpenAPI."""
    return str(properties(row).get("type") or properties(row).get("apiType") or "http").lower() == "http"


def display_name(row: Row) -> str:
    return str(properties(row).get("displayName") or row.get("name"))


def refs(rows: Iterable[Row]) -> dict[str, str]:
    """Name → ref: the display name; products that share one add their names."""
    listed = list(rows)
    counts = Counter(display_name(row) for row in listed)
    return {str(row["name"]): ref_of(row, is_shared=counts[display_name(row)] > 1) for row in listed}


def ref_of(row: Row, *, is_shared: bool) -> str:
    return f"{display_name(row)} ({row['name']})" if is_shared else display_name(row)


def product(read: ProductRead, ref: str, values: Mapping[str, Row]) -> Product:
    """`values` are the service's named values by their display names; those referred to belong to the product."""
    row = read.row
    entities = (
        *(named_value_entity(values[name]) for name in sorted(read.named_values()) if name in values),
        product_entity(row, owned=any(is_mark(tag) for tag in read.tags.values())),
        *(entity for api in sorted(read.apis, key=lambda api: api.name) for entity in _api_entities(api)),
        *_policies(read),
        *(tag_entity(native, name) for native, name in sorted(read.tags.items()) if not is_mark(name)),
    )
    return Product(ref, str(row["name"]), display_name(row), version(read), entities)


def is_mark(tag: str) -> bool:
    return tag == MARK or tag.startswith((f"{MARK}-", f"{MARK}:"))


def product_entity(row: Row, *, owned: bool = False) -> Entity:
    fields = canonical_form(PRODUCT, properties(row))
    return Entity("product", SETTINGS, str(row["name"]), fields, _PRODUCT_DEFAULTS, owned=owned)


def api_entity(row: Row) -> Entity:
    return Entity("api", api_name(row), api_name(row), canonical_form(API, properties(row)), _API_DEFAULTS)


def spec_entity(name: str, document: Row) -> Entity:
    return Entity(SPEC_KIND, name, f"{name}{SPEC_SUFFIX}", canonical_form(DOCUMENT, document))


def policy_entity(key: str, native_id: str, raw: str) -> Entity:
    fields = canonical_form(POLICY, {"value": raw})
    secret = {f"/{escape(name)}" for name, text in fields.items() if name == WHOLE or holds_secret(str(text))}
    return Entity("policy", key, native_id, fields, secrets=frozenset(secret))


def named_value_entity(row: Row) -> Entity:
    """A secret's value is told by nobody here, so it stands as a null that is never compared."""
    fields = canonical_form(NAMED_VALUE, properties(row))
    key = str(fields.get("displayName") or row["name"])
    masked, secrets = frozenset[str](), frozenset[str]()
    if fields.get("secret") and "keyVault" not in fields:
        fields, masked = {**fields, "value": None}, frozenset({"/value"})
    elif "value" in fields and _TELLING.search(key):
        secrets = frozenset({"/value"})
    return Entity("named_value", key, str(row["name"]), fields, {"secret": False}, secrets, masked)


def tag_entity(native_id: str, name: str) -> Entity:
    return Entity("tag", name, native_id, {"displayName": name})


def version(read: ProductRead) -> str | None:
    """The one version of all its APIs, else a tag, else a path segment that they share. An export's is Azure's own."""
    told = {str(properties(api.row).get("apiVersion") or "") for api in read.apis} - {""}
    if len(told) == 1:
        return told.pop()
    for tag in sorted(read.tags.values()):
        if found := _VERSION_TAG.match(tag):
            return found["told"] or found["plain"]
    segments = {_segment(str(properties(api.row).get("path") or "")) for api in read.apis}
    return segments.pop() if len(segments) == 1 else None


def _segment(path: str) -> str | None:
    found = _VERSION_SEGMENT.search(path)
    return found[1] if found else None


def _api_entities(api: ApiRead) -> Iterator[Entity]:
    if api.document is not None:
        yield spec_entity(api.name, api.document)
    yield api_entity(api.row)


def _policies(read: ProductRead) -> Iterator[Entity]:
    name = str(read.row["name"])
    if read.policy is not None:
        yield policy_entity(OF_PRODUCT, f"products/{name}", read.policy)
    for api in read.apis:
        if api.policy is not None:
            yield policy_entity(f"{OF_API}{api.name}", f"apis/{api.name}", api.policy)
