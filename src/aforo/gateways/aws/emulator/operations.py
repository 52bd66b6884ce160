"""API Gateway's operations as botocore's service models describe them: which one a call is, its input, its answer.

Handlers speak in the member names that boto3 shows; names on the wire, places (path, query, header, body) and time
formats come from the model. An answer with a member that the model does not know is our fault and fails loudly.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel, Shape

from aforo.gateways.aws.emulator.wire import Answer, Call, bad_request

REST = "apigateway"
HTTP = "apigatewayv2"


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of one API; `labels` are the decoded path parameters."""

    api: str
    name: str
    labels: Mapping[str, str]


def recognise(call: Call) -> Operation | None:
    """The operation that this call is; None if API Gateway has no such path."""
    return recognise_at(HTTP if call.segments[:1] == ["v2"] else REST, call)


def recognise_at(api: str, call: Call) -> Operation | None:
    """The same of any service that goes by paths."""
    arguments = dict(call.arguments)
    for name, method, template, fixed in _routes(api):
        labels = _match(template, call.segments)
        if method == call.method and labels is not None and fixed.items() <= arguments.items():
            return Operation(api, name, labels)
    return None


def decode(operation: Operation, call: Call) -> dict[str, Any]:
    """The input by member name; raises BadRequestException where the body cannot be read."""
    shape = _model(operation).input_shape
    if shape is None:
        return {}
    body = {} if "payload" in shape.serialization else _body(call)
    found: dict[str, Any] = {}
    for name, member in shape.members.items():
        value = _part(name, member, operation, call, body)
        if value is not None:
            found[name] = value
    payload = shape.serialization.get("payload")
    if payload:
        found[payload] = call.body
    missing = [name for name in shape.required_members if name not in found]
    if missing:
        raise bad_request(f"Invalid request input: missing {', '.join(missing)}")
    return found


def encode(operation: Operation, result: Mapping[str, Any]) -> Answer:
    """The answer with the status, names and places that the model gives."""
    model = _model(operation)
    status = model.http.get("responseCode", 200)
    shape = model.output_shape
    if shape is None:
        return Answer(status, b"", {"content-type": "application/json"})
    headers = {"content-type": "application/json"}
    for name, member in shape.members.items():
        if member.serialization.get("location") == "header" and name in result:
            headers[member.serialization["name"].lower()] = str(result[name])
    payload = shape.serialization.get("payload")
    body = result[payload] if payload else json.dumps(_write(shape, result)).encode()
    return Answer(status, body, headers)


@cache
def _service(api: str) -> ServiceModel:
    return ServiceModel(Loader().load_service_model(api, "service-2"), api)


def _model(operation: Operation) -> OperationModel:
    return _service(operation.api).operation_model(operation.name)


@cache
def _routes(api: str) -> tuple[tuple[str, str, tuple[str, ...], dict[str, str]], ...]:
    """(name, method, path template, fixed query), those with a fixed query first since they are the narrower."""
    service = _service(api)
    routes = []
    for name in service.operation_names:
        http = service.operation_model(name).http
        path, _, query = http["requestUri"].partition("?")
        fixed = dict(pair.split("=") for pair in query.split("&")) if query else {}
        routes.append((name, http["method"], tuple(path.strip("/").split("/")), fixed))
    return tuple(sorted(routes, key=lambda route: -len(route[3])))


def _match(template: tuple[str, ...], segments: list[str]) -> dict[str, str] | None:
    if len(template) != len(segments):
        return None
    labels = {}
    for expected, given in zip(template, segments, strict=True):
        if expected.startswith("{"):
            labels[expected.strip("{}")] = given
        elif expected != given:
            return None
    return labels


def _body(call: Call) -> dict[str, Any]:
    try:
        body = json.loads(call.body or b"{}")
    except ValueError:
        raise bad_request("Could not parse request body into json") from None
    if not isinstance(body, dict):
        raise bad_request("Could not parse request body into json: an object is expected")
    return body


def _part(name: str, member: Shape, operation: Operation, call: Call, body: Mapping[str, Any]) -> Any:
    where = member.serialization.get("location")
    spelled = member.serialization.get("name", name)
    if where == "uri":
        return operation.labels.get(spelled)
    if where == "header":
        return call.headers.get(spelled.lower())
    if where == "querystring":
        return _argument(spelled, member, call)
    return _read(member, body[spelled]) if body.get(spelled) is not None else None


def _argument(name: str, member: Shape, call: Call) -> Any:
    if member.type_name == "map":
        return dict(call.arguments)
    given = [value for key, value in call.arguments if key == name]
    if member.type_name == "list":
        return given or None
    return _read(member, given[0]) if given else None


def _read(shape: Shape, value: Any) -> Any:
    try:
        return _READERS.get(shape.type_name, lambda _shape, plain: plain)(shape, value)
    except (TypeError, ValueError, AttributeError):
        raise bad_request(f"Could not parse request body into json: {shape.name} expected") from None


def _read_structure(shape: Any, value: Any) -> dict[str, Any]:
    spelled = {member.serialization.get("name", name): (name, member) for name, member in shape.members.items()}
    return {spelled[key][0]: _read(spelled[key][1], item) for key, item in value.items() if key in spelled}


def _boolean(_shape: Shape, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}[str(value).lower()] if str(value).lower() in {"true", "false"} else _bad()


def _bad() -> bool:
    raise ValueError("not a yes or no")


_READERS: Mapping[str, Any] = {
    "structure": _read_structure,
    "list": lambda shape, value: [_read(shape.member, item) for item in list(value)],
    "map": lambda shape, value: {key: _read(shape.value, item) for key, item in value.items()},
    "boolean": _boolean,
    "integer": lambda _shape, value: int(value),
    "long": lambda _shape, value: int(value),
    "double": lambda _shape, value: float(value),
    "string": lambda _shape, value: str(value),
}


def _write(shape: Any, value: Any) -> Any:
    kind = shape.type_name
    if kind == "structure":
        return _write_structure(shape, value)
    if kind == "list":
        return [_write(shape.member, item) for item in value]
    if kind == "map":
        return {key: _write(shape.value, item) for key, item in value.items()}
    if kind == "timestamp":
        return _moment(shape, value)
    return base64.b64encode(value).decode() if kind == "blob" else value


def _write_structure(shape: Any, value: Mapping[str, Any]) -> dict[str, Any]:
    unknown = value.keys() - shape.members.keys()
    if unknown:
        raise ValueError(f"{shape.name} has no {', '.join(sorted(unknown))}")
    written = {}
    for name, member in shape.members.items():
        if value.get(name) is not None and member.serialization.get("location") is None:
            written[member.serialization.get("name", name)] = _write(member, value[name])
    return written


def _moment(shape: Any, seconds: float) -> float | str:
    """Seconds since 1970 for REST APIs, ISO 8601 for HTTP APIs."""
    if shape.serialization.get("timestampFormat") == "iso8601":
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return seconds
