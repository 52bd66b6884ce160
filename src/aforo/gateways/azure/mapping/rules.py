"""The canonical form: what is left when everything that no person set is taken away.

Each rule has a name and a reason, and each is needed: without any one of them, two reads of one unchanged product
differ.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aforo.gateways.azure.mapping.policies import sections
from aforo.kit.jsontree import Json, canonical

DOCUMENT: Final = "document"
API: Final = "api"
PRODUCT: Final = "product"
NAMED_VALUE: Final = "named_value"
POLICY: Final = "policy"

Tree = dict[str, Any]
_API: Final = frozenset(
    {"displayName", "description", "path", "serviceUrl", "protocols", "type", "subscriptionRequired",
     "subscriptionKeyParameterNames", "authenticationSettings", "apiVersion", "apiVersionSetId",
     "apiVersionDescription", "termsOfServiceUrl", "contact", "license"}
)  # fmt: skip
_PRODUCT: Final = frozenset(
    {"displayName", "description", "terms", "subscriptionRequired", "approvalRequired", "subscriptionsLimit", "state"}
)
_NAMED_VALUE: Final = frozenset({"displayName", "value", "secret", "tags", "keyVault"})
_VAULT: Final = frozenset({"secretIdentifier", "identityClientId"})
_OWN_SCHEMES: Final = frozenset({"apiKeyHeader", "apiKeyQuery"})
_UNORDERED: Final = frozenset({"parameters", "required", "tags", "security"})
_SERVICE: Final = re.compile(r"^.*/providers/Microsoft\.ApiManagement/service/[^/]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Rule:
    """`kinds` are the trees that it is for; `why` tells what would seem to change without it."""

    name: str
    kinds: frozenset[str]
    why: str
    apply: Callable[[Tree], Tree]


def canonical_form(kind: str, raw: Mapping[str, Any], rules: Sequence[Rule] | None = None) -> Tree:
    """The tree after every rule for its kind, in the rules' order."""
    tree = dict(raw)
    for rule in RULES if rules is None else rules:
        if kind in rule.kinds:
            tree = rule.apply(tree)
    return tree


def _without(tree: Tree, names: frozenset[str]) -> Tree:
    return {name: value for name, value in tree.items() if name not in names}


def _only(names: frozenset[str]) -> Callable[[Tree], Tree]:
    return lambda tree: {name: value for name, value in tree.items() if name in names}


def _nodes(value: Json, change: Callable[[Tree], Tree]) -> Any:
    """The value with `change` applied to each object in it, the inner ones first."""
    if isinstance(value, Mapping):
        return change({name: _nodes(member, change) for name, member in value.items()})
    if isinstance(value, list | tuple):
        return [_nodes(member, change) for member in value]
    return value


def _without_exporters_own(tree: Tree) -> Tree:
    return _without(tree, frozenset({"openapi", "servers", "info"}))


def _without_own_security(tree: Tree) -> Tree:
    """The service's own two key schemes follow from the API's settings; those of others stay."""
    kept = dict(tree)
    components = kept.get("components")
    if isinstance(components, Mapping) and isinstance(schemes := components.get("securitySchemes"), Mapping):
        kept["components"] = {**components, "securitySchemes": _without(dict(schemes), _OWN_SCHEMES)}
    if isinstance(kept.get("security"), list):
        kept["security"] = [one for one in kept["security"] if not _OWN_SCHEMES & set(one)]
    return kept


def _without_empty_parts(tree: Tree) -> Tree:
    kept = dict(tree)
    if isinstance(components := kept.get("components"), Mapping):
        kept["components"] = {name: part for name, part in components.items() if part}
    return {name: value for name, value in kept.items() if name not in ("components", "security", "tags") or value}


def _without_empty_texts(tree: Tree) -> Tree:
    """Azure fills a missing description with nothing. A property of that name in a schema is an object, and stays."""

    def told(node: Tree) -> Tree:
        return {name: value for name, value in node.items() if not (name in ("description", "summary") and value == "")}

    return dict(_nodes(tree, told))


def _sorted(tree: Tree) -> Tree:
    def ordered(node: Tree) -> Tree:
        return {
            name: sorted(value, key=canonical) if name in _UNORDERED and isinstance(value, list) else value
            for name, value in node.items()
        }

    return dict(_nodes(tree, ordered))


def _sorted_protocols(tree: Tree) -> Tree:
    told = tree.get("protocols")
    return {**tree, "protocols": sorted(told)} if isinstance(told, list) else tree


def _sorted_tags(tree: Tree) -> Tree:
    told = tree.get("tags")
    return {**tree, "tags": sorted(told)} if isinstance(told, list) else tree


def _short_ids(tree: Tree) -> Tree:
    told = tree.get("apiVersionSetId")
    return {**tree, "apiVersionSetId": _SERVICE.sub("", told)} if isinstance(told, str) else tree


def _vault_without_state(tree: Tree) -> Tree:
    told = tree.get("keyVault")
    return {**tree, "keyVault": _only(_VAULT)(dict(told))} if isinstance(told, Mapping) else tree


def _without_nothing(tree: Tree) -> Tree:
    found: Tree = {}
    for name, value in tree.items():
        kept = _without_nothing(value) if isinstance(value, dict) else value
        if kept is not None and kept not in ("", [], {}):
            found[name] = kept
    return found


def _by_section(tree: Tree) -> Tree:
    return {**sections(str(tree.get("value") or ""))}


def _rule(name: str, kinds: set[str], why: str, apply: Callable[[Tree], Tree]) -> Rule:
    return Rule(name, frozenset(kinds), why, apply)


RULES: Final[tuple[Rule, ...]] = (
    _rule("exporters-own", {DOCUMENT}, "the gateway's address and the exporter's version", _without_exporters_own),
    _rule("own-security", {DOCUMENT}, "an export replaces the security schemes", _without_own_security),
    _rule("empty-parts", {DOCUMENT}, "nothing, said with brackets", _without_empty_parts),
    _rule("empty-texts", {DOCUMENT}, "nothing, said with quotes", _without_empty_texts),
    _rule("document-order", {DOCUMENT}, "sets, written in any order", _sorted),
    _rule("settable-api", {API}, "revisions and states that the service keeps", _only(_API)),
    _rule("settable-product", {PRODUCT}, "what the service adds for its portal", _only(_PRODUCT)),
    _rule("settable-named-value", {NAMED_VALUE}, "states that the service keeps", _only(_NAMED_VALUE)),
    _rule("protocol-order", {API}, "a set", _sorted_protocols),
    _rule("named-value-tag-order", {NAMED_VALUE}, "a set", _sorted_tags),
    _rule("short-ids", {API}, "full ids hold the service's place", _short_ids),
    _rule("vault-state", {NAMED_VALUE}, "when the secret was last fetched", _vault_without_state),
    _rule("nothing-set", {API, PRODUCT, NAMED_VALUE}, "null, empty text and list are one", _without_nothing),
    _rule("policy-by-section", {POLICY}, "white space, escapes and order of attributes", _by_section),
)
