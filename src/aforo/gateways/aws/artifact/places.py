"""Which stages the artifact is to be attached to, and what stands there now: read once, decided by plain rules.

Taken: methods and routes without authorization, with or without an API key. Kept, with the reason: those of somebody
else's authorizer, IAM, Cognito or JWT; OPTIONS, which browsers send without a key. A whole stage is left out where the
API holds edits that nobody has deployed, since attaching deploys, and where it has an access log of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from aforo.gateway_sdk.artifact import Wiring
from aforo.gateway_sdk.contract import Product
from aforo.gateway_sdk.errors import GatewayError, GatewayRejected
from aforo.gateway_sdk.pricing import ScopedProduct
from aforo.gateways.aws.client import Aws
from aforo.gateways.aws.connector.documents import DocumentWriter
from aforo.gateways.aws.connector.reading import api_at, stage_at
from aforo.gateways.aws.connector.undeployed import Undeployed
from aforo.gateways.aws.mapping.ours import AUTHORIZER, DENIED, LOG_GROUP, is_our_response
from aforo.gateways.aws.mapping.products import Flavour, Where, rest_spelling
from aforo.kit.clock import Clock

REPLACE_LOG: Final = "replace"


@dataclass(frozen=True, slots=True)
class Door:
    """A method of a REST API or a route of an HTTP API. `keep` says why it is not taken, `is_ours` that it is."""

    word: str
    resource_id: str
    verb: str
    is_ours: bool = False
    keep: str = ""


@dataclass(frozen=True, slots=True)
class Stage:
    """A product's stage. `log` is its access log, ours or another.

    `edits` tells of edits that nobody has deployed; `taken_log` of an access log that is not to be replaced.
    """

    product: ScopedProduct
    where: Where
    log: dict[str, str]
    edits: str = ""
    taken_log: str = ""
    deploys_by_itself: bool = False

    @property
    def left_out(self) -> str:
        """Why nothing is attached there; empty where something is."""
        return self.taken_log or self.edits

    @property
    def key(self) -> str:
        """As events and functions name it."""
        return f"{self.where.api_id}/{self.where.stage}"

    @property
    def has_our_log(self) -> bool:
        return LOG_GROUP in self.log.get("destinationArn", "")


@dataclass(frozen=True, slots=True)
class Api:
    """One API with those of its stages that are meant. `refuses_by` tells whose the gateway response is."""

    flavour: Flavour
    api_id: str
    name: str
    stages: tuple[Stage, ...]
    doors: tuple[Door, ...]
    authorizer_id: str | None
    others: tuple[str, ...]
    refuses_by: str = ""

    @property
    def open_stages(self) -> tuple[Stage, ...]:
        return tuple(stage for stage in self.stages if not stage.left_out)


def chosen(wiring: Wiring) -> list[tuple[ScopedProduct, Where]]:
    """The stages meant: those named by ref, native id or stage name; all without a name. Raises GatewayError."""
    found = [(product, Where.parse(product.native_id)) for product in wiring.products]
    if not wiring.targets:
        return found
    known = {name for product, where in found for name in (product.ref, product.native_id, where.stage)}
    unknown = [target for target in wiring.targets if target not in known]
    if unknown:
        raise GatewayError(
            f"No imported API stage is called {', '.join(unknown)}.",
            next_step="Name stages as the products are called, such as PaymentsAPI/prod, or name none for all.",
        )
    wanted = set(wiring.targets)
    return [(one, where) for one, where in found if wanted & {one.ref, one.native_id, where.stage}]


async def survey(aws: Aws, clock: Clock, wiring: Wiring, uri: str) -> list[Api]:
    """What stands at each API now. `uri` is that of our own authorizer."""
    by_api: dict[tuple[Flavour, str], list[tuple[ScopedProduct, Where]]] = {}
    for product, where in chosen(wiring):
        by_api.setdefault((where.flavour, where.api_id), []).append((product, where))
    return [await _api(aws, clock, wiring, flavour, api_id, there, uri) for (flavour, api_id), there in by_api.items()]


async def _api(
    aws: Aws, clock: Clock, wiring: Wiring, flavour: Flavour, api_id: str,
    there: Sequence[tuple[ScopedProduct, Where]], uri: str,
) -> Api:  # fmt: skip
    about = await api_at(aws, flavour, api_id)
    authorizers = await _authorizers(aws, flavour, api_id)
    ours = next((one["id"] for one in authorizers if one.get("authorizerUri") == uri), None)
    others = tuple(str(one["name"]) for one in authorizers if one["id"] != ours)
    if AUTHORIZER in others:
        raise GatewayRejected(
            f"{about.get('name')} has an authorizer called {AUTHORIZER} that is not this integration's.",
            status=409, next_step="Rename or delete it, or leave this API out.",
        )  # fmt: skip
    doors = await (_methods if flavour == "rest" else _routes)(aws, api_id, ours)
    stages = tuple([await _stage(aws, clock, wiring, product, where) for product, where in there])
    refuses_by = await _refuses_by(aws, api_id) if flavour == "rest" else ""
    return Api(flavour, api_id, str(about.get("name", api_id)), stages, tuple(doors), ours, others, refuses_by)


async def _authorizers(aws: Aws, flavour: Flavour, api_id: str) -> list[dict[str, Any]]:
    if flavour == "rest":
        return await aws.every("apigateway", "GetAuthorizers", {"restApiId": api_id})
    found = [dict(rest_spelling(one)) for one in await aws.every("apigatewayv2", "GetAuthorizers", {"ApiId": api_id})]
    return [{**one, "id": one["authorizerId"]} for one in found]


async def _methods(aws: Aws, api_id: str, ours: str | None) -> list[Door]:
    resources = await aws.every("apigateway", "GetResources", {"restApiId": api_id, "embed": ["methods"]})
    return [
        _door(f"{verb} {resource['path']}", str(resource["id"]), verb, method, ours)
        for resource in resources
        for verb, method in sorted((resource.get("resourceMethods") or {}).items())
    ]


async def _routes(aws: Aws, api_id: str, ours: str | None) -> list[Door]:
    routes = [dict(rest_spelling(one)) for one in await aws.every("apigatewayv2", "GetRoutes", {"ApiId": api_id})]
    return [_door(one["routeKey"], one["routeId"], one["routeKey"].split(" ")[0], one, ours) for one in routes]


def _door(word: str, resource_id: str, verb: str, told: dict[str, Any], ours: str | None) -> Door:
    kind = told.get("authorizationType") or "NONE"
    if ours is not None and told.get("authorizerId") == ours:
        return Door(word, resource_id, verb, is_ours=True)
    if kind != "NONE":
        who = {"CUSTOM": "somebody's own authorizer", "AWS_IAM": "IAM", "JWT": "a JWT authorizer"}.get(kind, "Cognito")
        return Door(word, resource_id, verb, keep=f"it is authorized by {who}, which Aforo does not replace")
    if verb == "OPTIONS":
        return Door(word, resource_id, verb, keep="browsers ask it without a key before a call")
    return Door(word, resource_id, verb)


async def _stage(aws: Aws, clock: Clock, wiring: Wiring, product: ScopedProduct, where: Where) -> Stage:
    told = await stage_at(aws, where)
    log = dict(told.get("accessLogSettings") or {})
    is_foreign = bool(log) and LOG_GROUP not in log.get("destinationArn", "")
    taken = is_foreign and wiring.options.get("access_log") != REPLACE_LOG
    edits = await _edits(aws, clock, product, where)
    return Stage(product, where, log, edits, _taken(log) if taken else "", bool(told.get("autoDeploy")))


def _taken(log: dict[str, str]) -> str:
    return (
        f"its access log already goes to {log.get('destinationArn')}; with the option access_log = replace Aforo's "
        "takes its place until it is detached"
    )


async def _edits(aws: Aws, clock: Clock, product: ScopedProduct, where: Where) -> str:
    """Beside ours, which do not count: attaching and detaching both deploy, and would make them live."""
    documents = DocumentWriter(aws, clock, Product(product.ref, product.native_id, "", None, ()))
    try:
        await Undeployed(aws, where, documents).refuse((), (), has_stage=True)
    except GatewayRejected as refusal:
        if refusal.status != 409:
            raise
        return f"{refusal.detail.partition('. The restore')[0]}. Attaching deploys, and would make that live"
    return ""


async def _refuses_by(aws: Aws, api_id: str) -> str:
    told = await aws.call("apigateway", "GetGatewayResponse", {"restApiId": api_id, "responseType": DENIED})
    if told.get("defaultResponse"):
        return ""
    return "ours" if is_our_response(told) else "others"
