"""Rules for the settings of an API, a stage and a usage plan; an HTTP API's members come in the REST API's spelling."""

import json
from collections.abc import Mapping
from typing import Final

from aforo.gateways.aws.mapping.trees import Tree, as_object, nodes

OUR_MARK: Final = "aforo:"
"""Tags that begin so are ours: marks, not wishes of the operator."""
OUR_PLAN: Final = "aforo:plan"
"""On a usage plan: Aforo's plan that it was made for."""
MONETIZED: Final = "aforo-monetized"
"""The tag on what is sold; ours as well."""

_API: Final = frozenset(
    {"name", "description", "tags", "apiKeySource", "endpointConfiguration", "binaryMediaTypes", "policy",
     "minimumCompressionSize", "disableExecuteApiEndpoint", "securityPolicy", "endpointAccessMode",
     "corsConfiguration", "routeSelectionExpression", "apiKeySelectionExpression", "ipAddressType"}
)  # fmt: skip
_STAGE: Final = frozenset(
    {"description", "tags", "variables", "methodSettings", "tracingEnabled", "cacheClusterEnabled",
     "cacheClusterSize", "accessLogSettings", "clientCertificateId", "documentationVersion", "canarySettings",
     "autoDeploy", "defaultRouteSettings", "routeSettings", "stageVariables"}
)  # fmt: skip
_USAGE_PLAN: Final = frozenset({"name", "description", "tags", "throttle", "quota", "productCode", "methodThrottle"})
_UNORDERED: Final = frozenset(
    {"types", "vpcEndpointIds", "binaryMediaTypes", "allowHeaders", "allowMethods", "allowOrigins", "exposeHeaders"}
)


def settable_api(tree: Tree) -> Tree:
    return {name: value for name, value in tree.items() if name in _API}


def settable_stage(tree: Tree) -> Tree:
    return {name: value for name, value in tree.items() if name in _STAGE}


def settable_usage_plan(tree: Tree) -> Tree:
    return {name: value for name, value in tree.items() if name in _USAGE_PLAN}


def parsed_policy(tree: Tree) -> Tree:
    """AWS returns the policy as text whose quotes are escaped once more; what is no JSON stays as it is."""
    policy = tree.get("policy")
    if not isinstance(policy, str):
        return tree
    for text in (policy, policy.replace('\\"', '"').replace("\\/", "/")):
        try:
            return {**tree, "policy": json.loads(text)}
        except ValueError:
            continue
    return tree


def without_foreign_tags(tree: Tree) -> Tree:
    tags = tree.get("tags")
    if not isinstance(tags, Mapping):
        return tree
    kept = {
        name: value for name, value in tags.items() if not name.startswith(("aws:", OUR_MARK)) and name != MONETIZED
    }
    return {**tree, "tags": kept}


def sorted_settings(tree: Tree) -> Tree:
    def ordered(node: Tree) -> Tree:
        return {name: sorted(value, key=str) if name in _UNORDERED and isinstance(value, list) else value
                for name, value in node.items()}  # fmt: skip

    return as_object(nodes(tree, ordered))


def method_paths(tree: Tree) -> Tree:
    """`~1pay~1{id}/GET` and `/pay/{id}/GET` name the same method."""
    settings = tree.get("methodSettings")
    if not isinstance(settings, Mapping):
        return tree
    return {**tree, "methodSettings": {_method_path(name): value for name, value in settings.items()}}


def canary_without_deployment(tree: Tree) -> Tree:
    canary = tree.get("canarySettings")
    if not isinstance(canary, Mapping):
        return tree
    return {**tree, "canarySettings": {name: value for name, value in canary.items() if name != "deploymentId"}}


def without_nothing(tree: Tree) -> Tree:
    """A tag may be empty. A stage variable may not: for an HTTP API, setting it to nothing is how AWS removes it."""
    found: Tree = {}
    for name, value in tree.items():
        kept = without_nothing(value) if isinstance(value, dict) and name != "tags" else value
        if kept is not None and kept not in ("", [], {}):
            found[name] = kept
    return found


def _method_path(name: str) -> str:
    path, _, method = name.rpartition("/")
    return f"{path.replace('/', '~1')}/{method}"
