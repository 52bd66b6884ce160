"""Rules for an exported OpenAPI document."""

import re
from collections.abc import Mapping
from typing import Final

from aforo.gateways.aws.mapping.trees import Tree, as_object, nodes, sorted_lists, without

EXTENSION: Final = "x-amazon-apigateway-"
TOLD_AS_SETTINGS: Final = {
    "apiKeySource": f"{EXTENSION}api-key-source",
    "binaryMediaTypes": f"{EXTENSION}binary-media-types",
    "minimumCompressionSize": f"{EXTENSION}minimum-compression-size",
    "policy": f"{EXTENSION}policy",
    "corsConfiguration": f"{EXTENSION}cors",
    "endpointConfiguration": f"{EXTENSION}endpoint-configuration",
    "securityPolicy": f"{EXTENSION}security-policy",
}
"""Field of the API's settings → the extension at the document's root that tells the same once more."""

_ADDRESS: Final = frozenset({"servers", "host", "basePath", "schemes"})
_STAMP: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?\s?(Z|UTC|[+-]\d\d:?\d\d)?")
_GENERATED_ID: Final = re.compile(r"(?=.*\d)[a-z0-9]{6}([a-z0-9]{4})?")


def is_stamp(version: object) -> bool:
    """A moment, which an export writes where the importer gave no version: `2026-11-22T12:00:00Z`, or with ` UTC`.

    A moment without a zone counts too, as moto writes it.
    """
    return isinstance(version, str) and bool(_STAMP.fullmatch(version))


def without_address(tree: Tree) -> Tree:
    return without(tree, _ADDRESS)


def without_stamp(tree: Tree) -> Tree:
    info = tree.get("info")
    if not isinstance(info, Mapping) or not is_stamp(info.get("version")):
        return tree
    return {**tree, "info": without(dict(info), {"version"})}


def without_name(tree: Tree) -> Tree:
    info = tree.get("info")
    return {**tree, "info": without(dict(info), {"title", "description"})} if isinstance(info, Mapping) else tree


def without_settings(tree: Tree) -> Tree:
    return without(tree, set(TOLD_AS_SETTINGS.values()))


def without_api_tags(tree: Tree) -> Tree:
    tags = tree.get("tags")
    if not isinstance(tags, list):
        return tree
    kept = [tag for tag in tags if not (isinstance(tag, Mapping) and f"{EXTENSION}tag-value" in tag)]
    rest = without(tree, {"tags"})
    return {**rest, "tags": kept} if kept else rest


def without_format(tree: Tree) -> Tree:
    return without(tree, {f"{EXTENSION}importexport-version"})


def without_cache_namespace(tree: Tree) -> Tree:
    """A resource's id is AWS's default there; a name that somebody chose stays."""

    def plain(node: Tree) -> Tree:
        return without(node, {"cacheNamespace"}) if _GENERATED_ID.fullmatch(str(node.get("cacheNamespace"))) else node

    return as_object(nodes(tree, plain))


def sorted_parameters(tree: Tree) -> Tree:
    return sorted_lists(tree, "parameters")


def sorted_required(tree: Tree) -> Tree:
    return sorted_lists(tree, "required")


def sorted_tags(tree: Tree) -> Tree:
    return sorted_lists(tree, "tags")


def sorted_security(tree: Tree) -> Tree:
    return sorted_lists(tree, "security")
