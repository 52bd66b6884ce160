"""An exported OpenAPI document in two halves: the contract, and what AWS does with each call.

`split` puts every leaf in exactly one half; `assemble` joins them again. An ANY method stands under a vendor key, but
it is an operation that callers see, so it stays in the contract.
"""

from collections.abc import Mapping
from typing import Any, Final

from aforo.gateways.aws.mapping.rules.document import EXTENSION, TOLD_AS_SETTINGS
from aforo.kit.jsontree import Json, escape

ANY_METHOD: Final = f"{EXTENSION}any-method"
_FIRST_VERSION: Final = "1.0"


def split(document: Mapping[str, Json]) -> tuple[dict[str, Json], dict[str, Json]]:
    """(contract, {pointer into the document: extension value})."""
    extensions: dict[str, Json] = {}
    contract = _contract(document, "", extensions)
    return dict(contract) if isinstance(contract, Mapping) else {}, extensions


def assemble(contract: Mapping[str, Json], extensions: Mapping[str, Json]) -> dict[str, Any]:
    """The whole document. An extension whose place the contract no longer has is left out."""
    document: dict[str, Any] = _copy(contract)
    for pointer in sorted(extensions):
        *way, last = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
        place = _place(document, way)
        if isinstance(place, dict):
            place[last] = _copy(extensions[pointer])
    return document


def completed(document: Mapping[str, Any], api: Mapping[str, Any], version: str | None) -> dict[str, Any]:
    """The document with what the API's settings tell, as an import expects it.

    `version` stands in where the contract has none, since OpenAPI demands one: the stamp of a fresh export.
    """
    info = {"title": api.get("name", ""), **_told(api, "description"), **document.get("info", {})}
    info.setdefault("version", version or _FIRST_VERSION)
    settings = {
        extension: api[name]
        for name, extension in TOLD_AS_SETTINGS.items()
        if name in api and name != "endpointConfiguration"
    }
    endpoint = _endpoint(api)
    if endpoint:
        settings[TOLD_AS_SETTINGS["endpointConfiguration"]] = endpoint
    return {"openapi": "3.0.1", **document, "info": info, **settings}


def _endpoint(api: Mapping[str, Any]) -> dict[str, Any]:
    vpc = api.get("endpointConfiguration", {}).get("vpcEndpointIds")
    return {**_told(api, "disableExecuteApiEndpoint"), **({"vpcEndpointIds": vpc} if vpc else {})}


def _told(api: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {name: api[name]} if name in api else {}


def _contract(value: Json, pointer: str, extensions: dict[str, Json]) -> Json:
    if isinstance(value, Mapping):
        kept = {}
        for name, member in value.items():
            place = f"{pointer}/{escape(name)}"
            if name.startswith(EXTENSION) and name != ANY_METHOD:
                extensions[place] = member
            else:
                kept[name] = _contract(member, place, extensions)
        return kept
    if isinstance(value, list | tuple):
        return [_contract(member, f"{pointer}/{index}", extensions) for index, member in enumerate(value)]
    return value


def _place(document: Any, way: list[str]) -> Any:
    here = document
    for part in way:
        if isinstance(here, dict) and part in here:
            here = here[part]
        elif isinstance(here, list) and part.isdigit() and int(part) < len(here):
            here = here[int(part)]
        else:
            return None
    return here


def _copy(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _copy(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_copy(member) for member in value]
    return value
