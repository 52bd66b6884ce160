"""AWS's wire format, by botocore's own parts: its models serialise and parse, its signer signs, and it sends nothing.

Chosen over boto3 clients in threads with a `before-send` hook, since that would still bring boto3's credential chain
and retries into the room, hold a thread per call, and cross from thread to event loop and back for each. Serializer,
parser, signer and loader have kept their shape for ten years, and one test pins each way through them.

botocore's debug log prints whole answers, and a session's secret key is in one of them; so its loggers are held at
INFO. botocore is imported on first use: it costs a third of a second.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from aforo.gateway_sdk.transport import Answer

SERVICES: Final = {
    "apigateway": "apigateway", "apigatewayv2": "apigateway", "sts": "sts", "lambda": "lambda", "logs": "logs",
    "sqs": "sqs",
}  # fmt: skip
"""Service model → the name it signs with."""


@dataclass(frozen=True, slots=True)
class Keys:
    """What signs a request; the secret parts stay out of every repr."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        return tuple(secret for secret in (self.secret_access_key, self.session_token) if secret)


@dataclass(frozen=True, slots=True)
class SignedRequest:
    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes


def signed(
    service: str, operation: str, params: Mapping[str, object], *, keys: Keys, region: str, endpoint: str
) -> SignedRequest:
    """The operation as AWS expects it, signed with SigV4 for this minute."""
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import create_request_object, prepare_request_dict
    from botocore.credentials import Credentials
    from botocore.serialize import create_serializer

    model = _model(service)
    serializer = create_serializer(model.metadata["protocol"], include_validation=False)
    raw = serializer.serialize_to_request(dict(params), model.operation_model(operation))
    raw["headers"].setdefault("Accept", "application/json" if service != "sts" else "*/*")
    raw["context"] = {}
    prepare_request_dict(raw, endpoint_url=endpoint, user_agent="aforo")
    request = create_request_object(raw)
    credentials = Credentials(keys.access_key_id, keys.secret_access_key, keys.session_token)
    SigV4Auth(credentials, SERVICES[service], region).add_auth(request)
    ready = request.prepare()
    headers = {name: _text(value) for name, value in ready.headers.items() if name.lower() != "content-length"}
    return SignedRequest(ready.method, ready.url, headers, _bytes(ready.body))


def values(service: str, operation: str, answer: Answer) -> dict[str, Any]:
    """A good answer as the model names its members; raises ValueError when it is not AWS's."""
    return _parsed(service, _model(service).operation_model(operation).output_shape, answer)


def list_member(service: str, operation: str) -> str | None:
    """The JSON member in which this operation answers a list; None for one that answers a single object."""
    shape = _model(service).operation_model(operation).output_shape
    members = shape.members if shape else {}
    for name in ("items", "item", "Items"):
        if name in members and members[name].type_name == "list":
            return str(members[name].serialization.get("name", name))
    return None


def error(service: str, answer: Answer) -> tuple[str, str]:
    """AWS's error code and words; two empty texts when the answer is not AWS's."""
    try:
        told = _parsed(service, None, answer).get("Error", {})
    except ValueError:
        return "", ""
    code = str(told.get("Code") or "")
    return ("" if code.isdigit() else code), str(told.get("Message") or "")


def regional_endpoint(service: str, region: str) -> str:
    """`https://apigateway.eu-central-1.amazonaws.com`, with each partition's own domain."""
    from botocore.regions import EndpointResolver

    found = EndpointResolver(_loader().load_data("endpoints")).construct_endpoint(service, region) or {}
    suffix = found.get("dnsSuffix") or "amazonaws.com"
    return f"https://{SERVICES[service]}.{region}.{suffix}"


def partition(region: str) -> str:
    """The `aws` of an ARN in this region: also `aws-cn`, `aws-us-gov`."""
    from botocore.regions import EndpointResolver

    return str(EndpointResolver(_loader().load_data("endpoints")).get_partition_for_region(region))


@cache
def _loader() -> Any:
    from botocore.loaders import Loader

    for name in ("botocore", "urllib3"):
        logging.getLogger(name).setLevel(logging.INFO)
    return Loader(extra_search_paths=[Loader.BUILTIN_DATA_PATH], include_default_search_paths=False)  # no ~/.aws/models


@cache
def _model(service: str) -> Any:
    from botocore.model import ServiceModel

    return ServiceModel(_loader().load_service_model(service, "service-2"), service)


def _parsed(service: str, shape: Any, answer: Answer) -> dict[str, Any]:
    from botocore.compat import HTTPHeaders
    from botocore.parsers import ResponseParserError, create_parser

    headers = HTTPHeaders()
    for name, value in answer.headers.items():
        headers[name] = value
    parser = create_parser(_model(service).metadata["protocol"])
    try:
        parsed = parser.parse({"status_code": answer.status, "headers": headers, "body": answer.body}, shape)
        parsed.pop("ResponseMetadata", None)
    except (ResponseParserError, AttributeError, KeyError, TypeError) as fault:
        raise ValueError("not an answer of AWS") from fault
    return dict(parsed)


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _bytes(value: str | bytes | None) -> bytes:
    return value.encode() if isinstance(value, str) else value or b""
