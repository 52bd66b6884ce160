"""A real server on a free port around the emulator, and real boto3 clients that check every answer against the model."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import uvicorn
from botocore.config import Config
from botocore.exceptions import ClientError

from aforo.gateways.aws import emulator
from aforo.gateways.aws.emulator.app import AwsEmulator
from aforo.gateways.aws.emulator.identity import ADMIN_KEY, AFORO_KEY

PLAIN = Config(retries={"total_max_attempts": 1})
UNIVERSAL = {
    "AccessDeniedException", "ExpiredTokenException", "UnrecognizedClientException", "InvalidSignatureException",
    "MissingAuthenticationTokenException",
}  # fmt: skip
"""What every REST service of AWS may answer, though no operation's model lists it."""

TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,), "integer": (int,), "long": (int,), "double": (int, float), "boolean": (bool,),
    "timestamp": (int, float, str),
}  # fmt: skip


class Account:
    """One served emulator. Clients are the customer's administrator unless other keys are given."""

    def __init__(self, app: AwsEmulator, url: str) -> None:
        self.app = app
        self.url = url

    def client(self, service: str, keys: tuple[str, ...] = ADMIN_KEY, region: str = emulator.REGION) -> Any:
        make: Any = boto3.session.Session
        client = make(*keys, region_name=region).client(service, endpoint_url=self.url, config=PLAIN)
        if service.startswith("apigateway"):
            client.meta.events.register("after-call", conforms)
        return client

    def aforo(self, service: str) -> Any:
        """A client of Aforo's own principal, in another account."""
        return self.client(service, AFORO_KEY)

    def session_keys(self, role_arn: str, external_id: str | None, **more: Any) -> tuple[str, str, str]:
        named = {"ExternalId": external_id} if external_id else {}
        given = self.aforo("sts").assume_role(RoleArn=role_arn, RoleSessionName="aforo", **named, **more)["Credentials"]
        return given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"]

    def as_role(self, service: str, role_arn: str, external_id: str | None) -> Any:
        return self.client(service, self.session_keys(role_arn, external_id))


@contextmanager
def serving(app: AwsEmulator) -> Iterator[Account]:
    """The app on 127.0.0.1 and a free port, until the block ends."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", loop="asyncio"))
    socket = server.config.bind_socket()
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([socket])))
    thread.start()
    try:
        yield Account(app, f"http://127.0.0.1:{socket.getsockname()[1]}")
    finally:
        server.should_exit = True
        thread.join()
        socket.close()


def code(error: ClientError) -> str:
    return str(error.response["Error"]["Code"])


def conforms(http_response: Any, parsed: Any, model: Any, **_: Any) -> None:
    """Every answer of API Gateway has the model's status and members, every error a code that the model lists."""
    if http_response.status_code >= 300:
        listed = {shape.error_code or shape.name for shape in model.error_shapes} | UNIVERSAL
        assert parsed["Error"]["Code"] in listed, (model.name, parsed["Error"])
        return
    assert http_response.status_code == model.http.get("responseCode", 200), model.name
    if model.output_shape is None or model.output_shape.serialization.get("payload"):
        return
    complaints = list(_complaints(model.output_shape, json.loads(http_response.content or b"{}"), model.name))
    assert not complaints, complaints


def _complaints(shape: Any, value: Any, where: str) -> Iterator[str]:
    kind = shape.type_name
    if kind == "structure":
        spelled = {member.serialization.get("name", name): member for name, member in shape.members.items()}
        yield from (f"{where}.{name} is unknown" for name in value.keys() - spelled.keys())
        for name in value.keys() & spelled.keys():
            yield from _complaints(spelled[name], value[name], f"{where}.{name}")
    elif kind == "list":
        for item in value:
            yield from _complaints(shape.member, item, where + "[]")
    elif kind == "map":
        for item in value.values():
            yield from _complaints(shape.value, item, where + "{}")
    elif not isinstance(value, TYPES[kind]) or (kind != "boolean" and isinstance(value, bool)):
        yield f"{where} is no {kind}: {value!r}"
    elif getattr(shape, "enum", None) and value not in shape.enum:
        yield f"{where} is none of {shape.enum}: {value}"
