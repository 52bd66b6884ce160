"""Import and export of API descriptions. An export is no round trip: it is written anew from what was kept."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import yaml

from aforo.gateways.azure.emulator.wire import Record, invalid

METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_INLINE: Final[Mapping[str, Callable[[str], Any]]] = {"openapi+json": json.loads, "openapi": yaml.safe_load}
_KEPT: Final = ("tags", "summary", "description", "operationId", "parameters", "requestBody", "responses", "deprecated")
_SCHEMES: Final = {"apiKeyHeader": "header", "apiKeyQuery": "query"}


def read(properties: Mapping[str, Any]) -> Record:
    """The document that a PUT brings; refuses what is no OpenAPI 3 document with paths."""
    how = _INLINE.get(str(properties.get("format")))
    if how is None:
        raise invalid("format", f"The format '{properties.get('format')}' is not emulated; openapi+json is.")
    try:
        document = how(str(properties.get("value")))
    except (ValueError, yaml.YAMLError) as fault:
        raise invalid("representation", "Parsing error(s): the input is no valid document.") from fault
    if not isinstance(document, dict) or not str(document.get("openapi", "")).startswith("3.0"):
        raise invalid("representation", "Parsing error(s): the OpenAPI version is missing or not supported.")
    info = document.get("info")
    if not isinstance(info, dict) or not info.get("title") or not info.get("version"):
        raise invalid("representation", "Parsing error(s): info.title and info.version are required.")
    if not isinstance(document.get("paths"), dict):
        raise invalid("representation", "Parsing error(s): paths are required.")
    return document


def operations(document: Mapping[str, Any]) -> dict[str, tuple[Record, Record]]:
    """Operation id → (properties, what an export tells of it). Unknown parts are dropped."""
    found = {}
    for template, item in document["paths"].items():
        for method in METHODS:
            if not isinstance(told := item.get(method), dict):
                continue
            name = str(told.get("operationId") or f"{method}-{template.strip('/').replace('/', '-') or 'root'}")
            kept = {key: told[key] for key in _KEPT if key in told}
            shared = list(item.get("parameters") or []) + list(kept.get("parameters") or [])
            definition = {**kept, "operationId": name, **({"parameters": shared} if shared else {})}
            found[name] = (_properties(name, method, template, definition), definition)
    return found


def _properties(name: str, method: str, template: str, told: Mapping[str, Any]) -> Record:
    path = [one["name"] for one in told.get("parameters") or [] if one.get("in") == "path"]
    return {
        "displayName": str(told.get("summary") or name),
        "method": method.upper(),
        "urlTemplate": template,
        "description": str(told.get("description") or ""),
        "templateParameters": [{"name": one, "type": "string", "required": True} for one in path],
        "responses": [{"statusCode": int(code)} for code in told.get("responses") or {} if str(code).isdigit()],
    }


def written(api: Record, operations_now: Iterable[Record], gateway_url: str) -> Record:
    """The document that an export gives, with its own servers, version and security schemes."""
    settings = api["properties"]
    paths: Record = {}
    for operation in operations_now:
        told = operation["properties"]
        definition = {**operation["hidden"].get("definition", {}), "summary": told["displayName"]}
        definition.setdefault("operationId", operation["path"][-1])
        definition.setdefault("responses", {"200": {"description": ""}})
        if told.get("description"):
            definition["description"] = told["description"]
        paths.setdefault(told["urlTemplate"], {})[told["method"].lower()] = definition
    names = settings["subscriptionKeyParameterNames"]
    schemes = {
        scheme: {"type": "apiKey", "name": names[where], "in": where} for scheme, where in _SCHEMES.items()
    }  # fmt: skip
    info = {"title": settings["displayName"], "version": settings.get("apiVersion") or "1.0"}
    if settings.get("description"):
        info["description"] = settings["description"]
    document: Record = {
        "openapi": "3.0.1",
        "info": info,
        "servers": [{"url": f"{gateway_url}/{settings['path']}".rstrip("/")}],
        "paths": paths,
        "components": {**api["hidden"].get("components", {}), "securitySchemes": schemes},
    }
    if settings.get("subscriptionRequired"):
        document["security"] = [{scheme: []} for scheme in _SCHEMES]
    return document


def components(document: Mapping[str, Any]) -> Record:
    """What of the components is kept: schemas, and no security schemes."""
    told = document.get("components")
    schemas = told.get("schemas") if isinstance(told, dict) else None
    return {"schemas": schemas} if schemas else {}
