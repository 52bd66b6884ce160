"""The canonical form: what is left when everything that no person set is taken away.

Each rule has a name and a reason, and each is needed: without any one of them, two reads of one unchanged API instance
differ. What lies inside a policy's `configurationData` is the policy's own and is left as it was told.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aforo.gateways.mulesoft.mapping.marks import MONETIZED
from aforo.kit.jsontree import canonical

Tree = dict[str, Any]
Names = Mapping[str, str]
"""Upstream id → its key."""

API: Final = "api"
TIER: Final = "tier"
POLICY: Final = "policy"
UPSTREAM: Final = "upstream"

SETTABLE: Final[Mapping[str, tuple[str, ...]]] = {
    API: (
        "groupId",
        "assetId",
        "assetVersion",
        "instanceLabel",
        "description",
        "technology",
        "tags",
        "deprecated",
        "isPublic",
        "providerId",
        "endpointUri",
        "endpoint",
        "routing",
    ),
    TIER: ("name", "description", "autoApprove", "status", "limits"),
    POLICY: (
        "groupId",
        "assetId",
        "assetVersion",
        "policyTemplateId",
        "configurationData",
        "pointcutData",
        "order",
        "disabled",
    ),
    UPSTREAM: ("label", "uri", "tlsContext"),
}
"""What a person sets. Not: ids, audit data, who looked when, registration status, pins and positions in the console."""

ENDPOINT: Final = (
    "type",
    "uri",
    "proxyUri",
    "isCloudHub",
    "deploymentType",
    "referencesUserDomain",
    "responseTimeout",
    "muleVersion4OrAbove",
    "validation",
    "wsdlConfig",
    "tlsContexts",
)

DEFAULTS: Final[Mapping[str, Tree]] = {
    API: {
        "deprecated": False,
        "isPublic": False,
        "endpoint": {"validation": "NOT_APPLICABLE", "referencesUserDomain": False},
    },
    TIER: {"autoApprove": False},
    POLICY: {"disabled": False},
    UPSTREAM: {},
}
"""What Anypoint fills in by itself."""


@dataclass(frozen=True, slots=True)
class Rule:
    """`kinds` are the trees that it is for; `why` tells what would seem to change without it."""

    name: str
    kinds: frozenset[str]
    why: str
    apply: Callable[[Tree, Names], Tree]


def canonical_form(kind: str, raw: Mapping[str, Any], names: Names, rules: Sequence[Rule] | None = None) -> Tree:
    """The tree after every rule for its kind, in the rules' order; `raw` is left as it was."""
    tree = dict(raw)
    for rule in RULES if rules is None else rules:
        if kind in rule.kinds:
            tree = rule.apply(tree, names)
    return tree


def _one_policy_shape(tree: Tree) -> Tree:
    """`fullInfo` answers with other names than the plain list does."""
    told = dict(tree.get("template") or {})
    given = tree.get("configurationData")
    return {**told, **tree, "configurationData": tree.get("configuration") if given is None else given}


def _template_of_asset(tree: Tree) -> Tree:
    """A policy from Exchange is known by its coordinates; the template's number differs between organizations."""
    return _without(tree, "policyTemplateId") if tree.get("assetId") else tree


def _settable(kind: str) -> Callable[[Tree], Tree]:
    return lambda tree: {name: tree[name] for name in SETTABLE[kind] if name in tree}


def _settable_endpoint(tree: Tree) -> Tree:
    endpoint = tree.get("endpoint")
    return _with(tree, "endpoint", _only(endpoint, ENDPOINT)) if isinstance(endpoint, dict) else tree


def _tls_by_id(tree: Tree) -> Tree:
    """A TLS context belongs to a secret group; its name and whether we may see it are told beside."""
    endpoint = tree.get("endpoint")
    if isinstance(tree.get("tlsContext"), dict):
        tree = _with(tree, "tlsContext", _only(tree["tlsContext"], _TLS))
    if isinstance(endpoint, dict) and isinstance(endpoint.get("tlsContexts"), dict):
        inbound = _only(endpoint["tlsContexts"].get("inbound") or {}, _TLS)
        tree = _with(tree, "endpoint", _with(endpoint, "tlsContexts", {"inbound": inbound} if inbound else None))
    return tree


def _timeout_as_number(tree: Tree) -> Tree:
    """Told as a number or as a text of digits."""
    endpoint = tree.get("endpoint")
    told = endpoint.get("responseTimeout") if isinstance(endpoint, dict) else None
    if isinstance(endpoint, dict) and isinstance(told, str) and told.isdecimal():
        return _with(tree, "endpoint", _with(endpoint, "responseTimeout", int(told)))
    return tree


def _routes_by_upstream(tree: Tree, names: Names) -> Tree:
    """A route names upstreams by id; their addresses are told by the upstreams themselves."""
    routing = tree.get("routing")
    return _with(tree, "routing", [_route(route, names) for route in routing]) if isinstance(routing, list) else tree


def _route(route: Tree, names: Names) -> Tree:
    upstreams = [_routed(upstream, names) for upstream in route.get("upstreams") or ()]
    rules = _set_only(route.get("rules") or {})
    return _set_only({"label": route.get("label"), "rules": rules, "upstreams": upstreams})


def _routed(upstream: Tree, names: Names) -> Tree:
    native = str(upstream.get("id") or "")
    return _set_only({"upstream": names.get(native, native), "weight": upstream.get("weight")})


def _without_our_tag(tree: Tree) -> Tree:
    told = tree.get("tags")
    return _with(tree, "tags", [tag for tag in told if tag != MONETIZED]) if isinstance(told, list) else tree


def _sorted_tags(tree: Tree) -> Tree:
    return _with(tree, "tags", sorted(tree["tags"])) if isinstance(tree.get("tags"), list) else tree


def _sorted_limits(tree: Tree) -> Tree:
    told = tree.get("limits")
    return _with(tree, "limits", sorted(told, key=canonical)) if isinstance(told, list) else tree


def _sorted_pointcuts(tree: Tree) -> Tree:
    told = tree.get("pointcutData")
    return _with(tree, "pointcutData", sorted(told, key=canonical)) if isinstance(told, list) else tree


def _nothing_set(tree: Tree) -> Tree:
    """Null, empty text, empty list and no member at all are one; not inside a policy's own configuration."""
    kept = _set_only(tree)
    if isinstance(kept.get("endpoint"), dict):
        kept["endpoint"] = _set_only(kept["endpoint"])
    return kept


_TLS: Final = ("secretGroupId", "tlsContextId")


def _with(tree: Tree, name: str, value: Any) -> Tree:
    return {**tree, name: value}


def _without(tree: Tree, name: str) -> Tree:
    return {key: value for key, value in tree.items() if key != name}


def _only(tree: Tree, names: Sequence[str]) -> Tree:
    return {name: tree[name] for name in names if name in tree}


def _set_only(tree: Tree) -> Tree:
    return {name: value for name, value in tree.items() if value not in (None, "", [], {})}


def _filled(kind: str) -> Callable[[Tree], Tree]:
    """With the server's defaults where a member is not told: some answers leave them out."""
    return lambda tree: _over(DEFAULTS[kind], tree)


def _over(defaults: Tree, tree: Tree) -> Tree:
    """Defaults below the tree; those of an object only where there is such an object."""
    filled = dict(tree)
    for name, default in defaults.items():
        if not isinstance(default, dict):
            filled.setdefault(name, default)
        elif isinstance(tree.get(name), dict):
            filled[name] = _over(default, tree[name])
    return filled


def _rule(name: str, kinds: set[str], why: str, apply: Callable[[Tree], Tree]) -> Rule:
    """A rule that needs to know of nothing but the tree."""
    return Rule(name, frozenset(kinds), why, lambda tree, _: apply(tree))


RULES: Final[tuple[Rule, ...]] = (
    _rule("one-policy-shape", {POLICY}, "fullInfo names and nests them otherwise", _one_policy_shape),
    _rule("template-of-asset", {POLICY}, "a number of the organization's own", _template_of_asset),
    _rule("settable-api", {API}, "ids, times and states that Anypoint keeps", _settable(API)),
    _rule("settable-tier", {TIER}, "ids, times and the number of applications", _settable(TIER)),
    _rule("settable-policy", {POLICY}, "ids, times and the implementation that was chosen", _settable(POLICY)),
    _rule("settable-upstream", {UPSTREAM}, "ids and times", _settable(UPSTREAM)),
    _rule("settable-endpoint", {API}, "ids, times, and what the runtime registered", _settable_endpoint),
    _rule("tls-by-id", {API, UPSTREAM}, "names and rights told beside the ids", _tls_by_id),
    _rule("timeout-as-number", {API}, "a number or a text of digits", _timeout_as_number),
    Rule("routes-by-upstream", frozenset({API}), "ids that differ once re-created", _routes_by_upstream),
    _rule("our-tag", {API}, "set and taken by Aforo itself when it sells the instance", _without_our_tag),
    _rule("tag-order", {API}, "a set", _sorted_tags),
    _rule("limit-order", {TIER}, "a set", _sorted_limits),
    _rule("pointcut-order", {POLICY}, "a set", _sorted_pointcuts),
    _rule("nothing-set", {API, TIER, POLICY, UPSTREAM}, "null, empty text and list are one", _nothing_set),
    _rule("defaults-of-api", {API}, "told or not", _filled(API)),
    _rule("defaults-of-tier", {TIER}, "told or not", _filled(TIER)),
    _rule("defaults-of-policy", {POLICY}, "told or not, as fullInfo does not", _filled(POLICY)),
)
