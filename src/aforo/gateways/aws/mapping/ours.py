"""What Aforo's artifact leaves in an API's description: taken out for comparing, put back before overwriting. Pure.

Our authorizer is known by the function that it calls, our gateway response by its template, our access log by its log
group; all three are the artifact's, so that attaching it is no drift and a restore does not take it away.
"""

import copy
from collections.abc import Iterator, Mapping
from typing import Any, Final

from aforo.gateways.aws.mapping.rules.document import EXTENSION
from aforo.gateways.aws.mapping.trees import Tree

AUTHORIZER: Final = "aforo"
"""The name of our authorizer in every API."""
FUNCTION: Final = ":function:aforo-authorizer-"
LOG_GROUP: Final = ":log-group:/aforo/"
DENIED: Final = "ACCESS_DENIED"
RESPONSES: Final = f"{EXTENSION}gateway-responses"
_TEMPLATE_MARK: Final = "$context.authorizer.retryAfter"


def is_our_response(told: Mapping[str, Any]) -> bool:
    return any(_TEMPLATE_MARK in str(text) for text in (told.get("responseTemplates") or {}).values())


def without_artifact(tree: Tree) -> Tree:
    """An OpenAPI document as it would be without the artifact."""
    ours = _schemes(tree)
    found = _without_response(tree)
    if not ours:
        return found
    found = copy.deepcopy(found)
    components = found["components"]
    for name in ours:
        del components["securitySchemes"][name]
    if not components["securitySchemes"]:
        del components["securitySchemes"]
    if not components:
        del found["components"]
    for _, operation in _operations(found):
        _unsecure(operation, ours)
    return found


def with_artifact(document: Tree, served: Mapping[str, Any]) -> Tree:
    """The document with what the artifact has in the served one: the same operations, the same refusal."""
    ours = _schemes(served)
    found = copy.deepcopy(document)
    if ours:
        schemes = found.setdefault("components", {}).setdefault("securitySchemes", {})
        schemes.update({name: served["components"]["securitySchemes"][name] for name in ours})
        here = dict(_operations(found))
        for place, operation in _operations(served):
            if place in here:
                _secure(here[place], operation.get("security") or [], ours)
    response = (served.get(RESPONSES) or {}).get(DENIED)
    if response and is_our_response(response):
        found.setdefault(RESPONSES, {})[DENIED] = response
    return found


def without_our_log(tree: Tree) -> Tree:
    """A stage's settings; a log of ours is no setting of the operator's."""
    log = tree.get("accessLogSettings")
    if isinstance(log, Mapping) and LOG_GROUP in str(log.get("destinationArn", "")):
        return {name: value for name, value in tree.items() if name != "accessLogSettings"}
    return tree


def _schemes(tree: Mapping[str, Any]) -> set[str]:
    schemes = (tree.get("components") or {}).get("securitySchemes") or {}
    return {name for name, one in schemes.items() if FUNCTION in str(one.get(f"{EXTENSION}authorizer"))}


def _operations(tree: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], Tree]]:
    for path, item in (tree.get("paths") or {}).items():
        for member, operation in item.items():
            if isinstance(operation, dict) and member != "parameters":
                yield (path, member), operation


def _unsecure(operation: Tree, ours: set[str]) -> None:
    if "security" not in operation:
        return
    left = [{name: one[name] for name in one if name not in ours} for one in operation["security"]]
    operation["security"] = [one for one in left if one]
    if not operation["security"]:
        del operation["security"]


def _secure(operation: Tree, served: list[Mapping[str, Any]], ours: set[str]) -> None:
    """In the alternative in which it stood, beside an API key for example."""
    for one in served:
        mine = {name: one[name] for name in one if name in ours}
        if mine:
            first, *rest = operation.get("security") or [{}]
            operation["security"] = [{**first, **mine}, *rest]


def _without_response(tree: Tree) -> Tree:
    responses = tree.get(RESPONSES)
    if not isinstance(responses, Mapping) or not is_our_response(responses.get(DENIED) or {}):
        return tree
    kept = {kind: told for kind, told in responses.items() if kind != DENIED}
    rest = {name: value for name, value in tree.items() if name != RESPONSES}
    return {**rest, RESPONSES: kept} if kept else rest
