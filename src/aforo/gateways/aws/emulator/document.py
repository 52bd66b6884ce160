"""OpenAPI documents on their way in and out: text, the parts that both kinds of API share, and AWS's extensions."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from aforo.gateways.aws.emulator.region import Record
from aforo.gateways.aws.emulator.wire import bad_request

EXTENSION = "x-amazon-apigateway-"
INTEGRATION = EXTENSION + "integration"
AUTHORIZER = EXTENSION + "authorizer"
AUTH_TYPE = EXTENSION + "authtype"
ANY_METHOD = EXTENSION + "any-method"
METHODS = ("get", "put", "post", "delete", "options", "head", "patch")
_PATH_PARAMETER = re.compile(r"\{([^}+]+)\+?\}")


def read_document(body: bytes | str) -> Record:
    """An OpenAPI 3.0 document in JSON or YAML; BadRequestException for anything else.

    Swagger 2.0, which AWS takes too, is refused here: the emulator does not model it.
    """
    document = _parsed(body)
    if not isinstance(document, dict) or not isinstance(document.get("info"), dict):
        raise bad_request("Invalid OpenAPI input.")
    if not str(document.get("openapi", "")).startswith("3.0"):
        raise bad_request("Unsupported OpenAPI version: this emulator reads 3.0.x documents")
    if not document["info"].get("title") or not isinstance(document.get("paths", {}), dict):
        raise bad_request("Invalid OpenAPI input: info.title and paths are required")
    return document


def write_document(document: Mapping[str, Any], media_type: str) -> bytes:
    """The document as JSON or YAML text."""
    if "yaml" in media_type.lower():
        import yaml

        return yaml.safe_dump(dict(document), sort_keys=False).encode()
    return json.dumps(document, indent=2).encode()


def operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, Record]]:
    """Every (path, method or ANY, operation), parameters of the path item included in each."""
    for path, item in document.get("paths", {}).items():
        shared = item.get("parameters", [])
        for name in (*METHODS, ANY_METHOD):
            if name in item:
                method = "ANY" if name == ANY_METHOD else name.upper()
                yield path, method, {**item[name], "parameters": [*shared, *item[name].get("parameters", [])]}


def method_name(method: str) -> str:
    """The member of a path item that holds this method."""
    return ANY_METHOD if method == "ANY" else method.lower()


def schemes(document: Mapping[str, Any]) -> Record:
    found: Record = document.get("components", {}).get("securitySchemes", {})
    return found


def path_parameters(path: str) -> list[str]:
    return _PATH_PARAMETER.findall(path)


def server(api_id: str, region: str, base_path: str) -> list[Record]:
    """The `servers` that AWS adds to every export."""
    url = f"https://{api_id}.execute-api.{region}.amazonaws.com/{{basePath}}"
    return [{"url": url, "variables": {"basePath": {"default": base_path}}}]


def _parsed(body: bytes | str) -> Any:
    text = body.decode(errors="replace") if isinstance(body, bytes) else body
    try:
        return json.loads(text)
    except ValueError:
        return _parsed_yaml(text)


def _parsed_yaml(text: str) -> Any:
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        raise bad_request("Unable to parse the OpenAPI input.") from None
