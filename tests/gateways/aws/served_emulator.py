"""A real server around the emulator, and real boto3 clients that check every answer against AWS's model."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import uvicorn
import uvloop
from botocore.config import Config
from botocore.exceptions import ClientError

from aforo.gateways.aws import emulator
from aforo.gateways.aws.emulator.app import AwsEmulator
from aforo.gateways.aws.emulator.identity import ADMIN_KEY, AFORO_KEY

BOTO = boto3.session.Session()
"""One for all, since reading the service models is what takes the time."""

PLAIN = Config(retries={"total_max_attempts": 1})
UNCHECKED = PLAIN.merge(Config(parameter_validation=False))
"""Lets a call out that botocore would stop, so that the emulator's own check is what answers."""

UNIVERSAL = {
    "AccessDeniedException", "ExpiredTokenException", "UnrecognizedClientException", "InvalidSignatureException",
    "MissingAuthenticationTokenException",
}  # fmt: skip
"""What every REST service of AWS may answer, though no operation's model lists it."""

BEYOND_MODEL = {
    ("DeleteIntegration", "ConflictException"),
    ("DeleteAuthorizer", "ConflictException"),
    ("DeleteDeployment", "BadRequestException"),
}
"""What AWS answers for HTTP APIs to the deletion of something in use, though its model does not list it."""

TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,), "integer": (int,), "long": (int,), "double": (int, float), "boolean": (bool,),
    "timestamp": (int, float, str),
}  # fmt: skip


class Account:
    """One served emulator. Clients are the customer's administrator unless other keys are given."""

    def __init__(self, app: AwsEmulator, url: str) -> None:
        self.app = app
        self.url = url

    def client(self, service: str, keys: tuple[str, ...] = ADMIN_KEY, config: Config = PLAIN) -> Any:
        make: Any = BOTO.client
        client = make(service, emulator.REGION, None, True, None, self.url, *keys, config=config)
        if service.startswith("apigateway"):
            client.meta.events.register("after-call", conforms)
        return client

    def aforo(self, service: str) -> Any:
        """A client of Aforo's own principal, in another account."""
        return self.client(service, AFORO_KEY)

    def session_keys(self, role_arn: str, external_id: str | None, **more: Any) -> tuple[str, str, str]:
        named = {"ExternalId": external_id} if external_id else {}
        sts = self.client("sts", AFORO_KEY, UNCHECKED)
        given = sts.assume_role(RoleArn=role_arn, RoleSessionName="aforo", **named, **more)["Credentials"]
        return given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"]

    def as_role(self, service: str, role_arn: str, external_id: str | None) -> Any:
        return self.client(service, self.session_keys(role_arn, external_id))


@contextmanager
def serving(app: AwsEmulator) -> Iterator[Account]:
    """The app on 127.0.0.1 and a free port, until the block ends."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error"))
    socket = server.config.bind_socket()
    socket.listen()  # calls made before the server is up wait in the backlog
    thread = threading.Thread(target=lambda: uvloop.run(server.serve([socket])))
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
        found = parsed["Error"]["Code"]
        assert found in listed or (model.name, found) in BEYOND_MODEL, (model.name, parsed["Error"])
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
