"""The canonical form: what is left when everything that no person set is taken away.

Each rule has a name and a reason, and each is needed: without any one of them, two reads of one unchanged API differ.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aforo.gateways.aws.mapping.ours import without_artifact, without_our_log
from aforo.gateways.aws.mapping.rules import document, settings
from aforo.gateways.aws.mapping.rules.own import Own, this_stage_only, without_own_id
from aforo.gateways.aws.mapping.trees import Tree

DOCUMENT: Final = "document"
API: Final = "api"
STAGE: Final = "stage"
USAGE_PLAN: Final = "usage_plan"


@dataclass(frozen=True, slots=True)
class Rule:
    """`kinds` are the trees that it is for; `why` tells what would seem to change without it."""

    name: str
    kinds: frozenset[str]
    why: str
    apply: Callable[[Tree, Own], Tree]


def canonical_form(kind: str, raw: Mapping[str, Any], own: Own, rules: Sequence[Rule] | None = None) -> Tree:
    """The tree after every rule for its kind, in the rules' order."""
    tree = dict(raw)
    for rule in RULES if rules is None else rules:
        if kind in rule.kinds:
            tree = rule.apply(tree, own)
    return tree


def _rule(name: str, kinds: set[str], why: str, apply: Callable[[Tree], Tree]) -> Rule:
    """A rule that needs to know of nothing but the tree."""
    return Rule(name, frozenset(kinds), why, lambda tree, _: apply(tree))


RULES: Final[tuple[Rule, ...]] = (
    _rule("our-authorizer", {DOCUMENT}, "attached by Aforo, put back by every restore", without_artifact),
    _rule("our-log", {STAGE}, "set by Aforo while its artifact is attached", without_our_log),
    _rule("address", {DOCUMENT}, "holds the API's id, region and stage", document.without_address),
    _rule("stamped-version", {DOCUMENT}, "the moment of the export or deployment", document.without_stamp),
    _rule("name-and-description", {DOCUMENT}, "told by the API's settings", document.without_name),
    _rule("told-as-settings", {DOCUMENT}, "told by the API's settings", document.without_settings),
    _rule("api-tags", {DOCUMENT}, "an HTTP API's tags, told by its settings", document.without_api_tags),
    _rule("export-format", {DOCUMENT}, "the exporter's own version", document.without_format),
    _rule("cache-namespace", {DOCUMENT}, "a generated id, unless chosen", document.without_cache_namespace),
    _rule("parameter-order", {DOCUMENT}, "a map within AWS", document.sorted_parameters),
    _rule("required-order", {DOCUMENT}, "a set", document.sorted_required),
    _rule("tag-order", {DOCUMENT}, "a set", document.sorted_tags),
    _rule("security-order", {DOCUMENT}, "alternatives", document.sorted_security),
    Rule("this-stage-only", frozenset({USAGE_PLAN}), "other stages are other products", this_stage_only),
    _rule("settable-api", {API}, "ids, times and states that AWS keeps", settings.settable_api),
    _rule("settable-stage", {STAGE}, "ids, times and states that AWS keeps", settings.settable_stage),
    _rule("settable-usage-plan", {USAGE_PLAN}, "ids that AWS keeps", settings.settable_usage_plan),
    _rule("policy-as-object", {API}, "text, escaped once more than it was given", settings.parsed_policy),
    _rule("tags-of-others", {API, STAGE, USAGE_PLAN}, "AWS's own tags, and our marks", settings.without_foreign_tags),
    _rule("setting-order", {API}, "sets", settings.sorted_settings),
    _rule("method-paths", {STAGE}, "two spellings of one method", settings.method_paths),
    _rule("canary-deployment", {STAGE}, "a generated id", settings.canary_without_deployment),
    Rule("own-api-id", frozenset({DOCUMENT, API, STAGE}), "another one when re-created", without_own_id),
    _rule("nothing-set", {API, STAGE, USAGE_PLAN}, "null, empty text and list are one", settings.without_nothing),
)
