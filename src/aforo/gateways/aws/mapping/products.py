"""What AWS tells of one stage, as a product with its entities."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from aforo.gateway_sdk.contract import SPEC_KIND, Entity, Product
from aforo.gateways.aws.mapping.document import split
from aforo.gateways.aws.mapping.rules import API, DOCUMENT, STAGE, USAGE_PLAN, canonical_form
from aforo.gateways.aws.mapping.rules.document import is_stamp
from aforo.gateways.aws.mapping.rules.own import Own
from aforo.gateways.aws.mapping.rules.settings import OUR_MARK, OUR_PLAN
from aforo.gateways.aws.mapping.secrets import secret_places
from aforo.kit.jsontree import Json, JsonObject, digest

INTEGRATIONS: Final = "integrations"
Flavour = Literal["rest", "http"]

_HTTP_ID: Final = "v2:"
_API_DEFAULTS: Final[dict[str, JsonObject]] = {
    "rest": {
        "apiKeySource": "HEADER",
        "disableExecuteApiEndpoint": False,
        "endpointConfiguration": {"ipAddressType": "ipv4"},
    },
    "http": {
        "disableExecuteApiEndpoint": False,
        "routeSelectionExpression": "$request.method $request.path",
        "apiKeySelectionExpression": "$request.header.x-api-key",
        "ipAddressType": "ipv4",
    },
}
_STAGE_DEFAULTS: Final[dict[str, JsonObject]] = {
    "rest": {"tracingEnabled": False, "cacheClusterEnabled": False},
    "http": {"autoDeploy": False, "defaultRouteSettings": {"detailedMetricsEnabled": False}},
}
METHOD_DEFAULTS: Final[JsonObject] = {
    "metricsEnabled": False,
    "loggingLevel": "OFF",
    "dataTraceEnabled": False,
    "throttlingBurstLimit": 5000,
    "throttlingRateLimit": 10000,
    "cachingEnabled": False,
    "cacheTtlInSeconds": 300,
    "cacheDataEncrypted": False,
    "requireAuthorizationForCacheControl": True,
    "unauthorizedCacheControlHeaderStrategy": "SUCCEED_WITH_RESPONSE_HEADER",
}
"""What AWS fills in when one setting of a method is given."""


@dataclass(frozen=True, slots=True)
class Where:
    """A stage's address: REST `a1b2c3/prod`, HTTP `v2:a1b2c3/prod`."""

    flavour: Flavour
    api_id: str
    stage: str

    @property
    def native_id(self) -> str:
        return f"{_HTTP_ID if self.flavour == 'http' else ''}{self.api_id}/{self.stage}"

    @classmethod
    def parse(cls, native_id: str) -> "Where":
        api_id, _, stage = native_id.removeprefix(_HTTP_ID).partition("/")
        return cls("http" if native_id.startswith(_HTTP_ID) else "rest", api_id, stage)


@dataclass(frozen=True, slots=True)
class Seen:
    """One stage as AWS's listings tell it, in the REST API's spelling; the document is read apart."""

    where: Where
    api: Mapping[str, Any]
    stage: Mapping[str, Any]

    @property
    def name(self) -> str:
        return str(self.api.get("name") or self.where.api_id)


def refs(seen: Iterable[Seen]) -> dict[str, str]:
    """native id → `<name>/<stage>`. Where a name stands twice, the oldest API keeps it, others add their id."""
    given: dict[str, str] = {}
    taken: set[str] = set()
    for one in sorted(seen, key=lambda one: (str(one.api.get("createdDate", "")), one.where.native_id)):
        plain = f"{one.name}/{one.where.stage}"
        given[one.where.native_id] = ref = f"{plain} ({one.where.api_id})" if plain in taken else plain
        taken.add(ref)
    return given


def product(seen: Seen, ref: str, document: Mapping[str, Any], plans: Sequence[Mapping[str, Any]]) -> Product:
    """The stage as a product. `plans` are all usage plans of the region; those that cover the stage belong to it."""
    where = seen.where
    own = Own(where.api_id, where.stage)
    contract, extensions = split(canonical_form(DOCUMENT, document, own))
    entities = (
        Entity(SPEC_KIND, "openapi", f"{where.native_id}#spec", contract),
        Entity(
            INTEGRATIONS, "openapi", f"{where.native_id}#integrations", extensions, secrets=secret_places(extensions)
        ),
        api_entity(seen),
        stage_entity(seen),
        *_plan_entities(plans, own),
    )
    return Product(ref, where.native_id, seen.name, version(seen, document), entities)


def api_entity(seen: Seen) -> Entity:
    where = seen.where
    fields = canonical_form(API, seen.api, Own(where.api_id, where.stage))
    return Entity(
        "api", "settings", where.api_id, fields, _API_DEFAULTS[where.flavour], owned=_is_marked(seen.api)
    )  # fmt: skip


def stage_entity(seen: Seen) -> Entity:
    where = seen.where
    fields = canonical_form(STAGE, seen.stage, Own(where.api_id, where.stage))
    methods = dict.fromkeys(fields.get("methodSettings", {}), METHOD_DEFAULTS)
    defaults = {**_STAGE_DEFAULTS[where.flavour], **({"methodSettings": methods} if methods else {})}
    secrets = secret_places(fields)
    return Entity("stage", where.stage, where.native_id, fields, defaults, secrets, owned=_is_marked(seen.stage))


def plan_entity(plan: Mapping[str, Any], own: Own, key: str | None = None) -> Entity:
    fields = canonical_form(USAGE_PLAN, plan, own)
    defaults: JsonObject = {"quota": {"offset": 0}} if "quota" in fields else {}
    return Entity("usage_plan", key or str(plan.get("name")), str(plan["id"]), fields, defaults, owned=_is_marked(plan))


def covers(plan: Mapping[str, Any], where: Where) -> bool:
    """Whether a usage plan holds this stage; only REST APIs have usage plans."""
    stages = plan.get("apiStages") or []
    return where.flavour == "rest" and any(
        (stage.get("apiId"), stage.get("stage")) == (where.api_id, where.stage) for stage in stages
    )


def version(seen: Seen, document: Mapping[str, Any]) -> str | None:
    """The importer's own, else the tag `version`, else a `v2` in the stage or in every path, else in the name."""
    told = [document.get("info", {}).get("version"), seen.api.get("version")]
    tags = [tree.get("tags") or {} for tree in (seen.stage, seen.api)]
    candidates = (
        *(text for text in told if text and not is_stamp(text)),
        *(tag["version"] for tag in tags if tag.get("version")),
        *_path_versions(seen.where.stage, document.get("paths") or {}),
        *re.findall(r"[-_ ](v\d+)$", seen.name, re.IGNORECASE),
    )
    return next((str(text) for text in candidates), None)


def rest_spelling(value: Any, *, chosen: bool = False) -> Any:
    """An HTTP API's members as a REST API spells them: `StageVariables` → `stageVariables`; chosen names stay."""
    if not isinstance(value, Mapping):
        return [rest_spelling(member) for member in value] if isinstance(value, list) else value
    found = {}
    for name, member in value.items():
        told = name if chosen else name[:1].lower() + name[1:]
        found[told] = member if name in _CHOSEN else rest_spelling(member, chosen=name == "RouteSettings")
    return found


def http_spelling(value: Any, *, chosen: bool = False) -> Any:
    """The way back, for what is sent."""
    if not isinstance(value, Mapping):
        return [http_spelling(member) for member in value] if isinstance(value, list) else value
    found = {}
    for name, member in value.items():
        told = name if chosen else name[:1].upper() + name[1:]
        found[told] = member if told in _CHOSEN else http_spelling(member, chosen=told == "RouteSettings")
    return found


_CHOSEN: Final = frozenset({"StageVariables", "Tags"})


def _plan_entities(plans: Sequence[Mapping[str, Any]], own: Own) -> Iterator[Entity]:
    """Keyed by name. AWS lets two plans share one; the later in order of content then adds a number.

    Those in which subscriptions of Aforo's have their keys are left out: pricing sync compares them.
    """
    mine = [plan for plan in plans if covers(plan, Where("rest", own.api_id, own.stage)) and not _is_sold(plan)]
    used: dict[str, int] = {}
    for plan in sorted(mine, key=lambda plan: (str(plan.get("name")), digest(plan_entity(plan, own).fields))):
        name = str(plan.get("name"))
        used[name] = used.get(name, 0) + 1
        yield plan_entity(plan, own, name if used[name] == 1 else f"{name} ({used[name]})")


def _is_sold(plan: Mapping[str, Any]) -> bool:
    return OUR_PLAN in (plan.get("tags") or {})


def _is_marked(tree: Mapping[str, Any]) -> bool:
    return any(str(name).startswith(OUR_MARK) for name in tree.get("tags") or {})


def _path_versions(stage: str, paths: Mapping[str, Json]) -> Iterator[str]:
    if re.fullmatch(r"v\d+", stage):
        yield stage
    firsts = {path.strip("/").split("/", 1)[0] for path in paths}
    if len(firsts) == 1 and re.fullmatch(r"v\d+", first := firsts.pop()):
        yield first
