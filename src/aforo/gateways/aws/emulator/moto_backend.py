"""moto behind the emulator: everything that is not API Gateway, such as IAM, CloudFormation, Lambda and logs.

moto keeps its state in the process, so one process holds one emulator. A restart replays the journal of calls that
changed something; before each of them moto's random source is seeded with the call's number, so ids come out the same.
"""

import asyncio
import base64
import hashlib
import json
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from aforo.gateway_sdk.emulator import AsgiApp
from aforo.gateways.aws.emulator.signature import Signed
from aforo.gateways.aws.emulator.wire import Answer, Call

CUSTOMER_ACCOUNT = "123456789012"
"""The account in which all of moto's objects are."""

_READS = ("Get", "List", "Describe", "Validate", "Simulate", "Estimate", "Filter", "Lookup", "Search", "BatchGet")
Entry = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Function:
    """One version of a function as it was uploaded; `asked_arn` is the ARN that it was found by, alias included.

    `on_failure` is the ARN of the queue that gets events which it could not take.
    """

    name: str
    version: str
    region: str
    handler: str
    digest: str
    timeout_seconds: float
    asked_arn: str
    code: bytes = field(repr=False)
    variables: Mapping[str, str] = field(repr=False)
    statements: Sequence[Mapping[str, Any]] = ()
    on_failure: str | None = None


class MotoBackend:
    """Answers calls by moto and remembers, in `journal`, those that must be repeated after a restart."""

    def __init__(self, journal: list[Entry]) -> None:
        self._journal = journal
        self._lock = asyncio.Lock()
        self._app: AsgiApp | None = None

    async def answer(self, call: Call, by: Signed) -> Answer:
        """moto's answer; whether it entered the journal shows in the journal's length."""
        async with self._lock:
            app = await self._ready()
            entry = journal_entry(call, by.region, by.service)
            answer = await self._ask(app, entry, len(self._journal))
            if answer.status < 400 and _changes(call):
                self._journal.append(entry)
            return answer

    async def role(self, arn: str) -> dict[str, Any] | None:
        """A role's trust policy, own policies and longest session in seconds; None if IAM has no such role."""
        async with self._lock:
            await self._ready()
            return _role(arn)

    async def access_key(self, key_id: str) -> tuple[str, str] | None:
        """(user's ARN, secret) of an access key made in IAM."""
        async with self._lock:
            await self._ready()
            return _access_key(key_id)

    async def function(self, arn: str) -> Function | None:
        """What was uploaded under this ARN, which may end in a version or an alias; None if there is none."""
        async with self._lock:
            await self._ready()
            return _function(arn)

    async def filters(self, group_arn: str) -> list[tuple[str, str]] | None:
        """(destination, pattern) of each subscription filter of a log group; None if there is no such group."""
        async with self._lock:
            await self._ready()
            return _filters(group_arn)

    async def _ready(self) -> AsgiApp:
        if self._app is None:
            app = _moto_app()
            for number, entry in enumerate(self._journal):
                await self._ask(app, entry, number)
            self._app = app
        return self._app

    async def _ask(self, app: AsgiApp, entry: Entry, number: int) -> Answer:
        from moto.moto_api._internal import mock_random

        mock_random.seed(number)
        return await _through(app, entry)


def journal_entry(call: Call, region: str, service: str) -> Entry:
    """The call without its signature and tokens: what moto needs to answer it, as JSON values."""
    return {
        "method": call.method,
        "path": call.path,
        "query": call.query,
        "body": base64.b64encode(call.body).decode(),
        "type": call.headers.get("content-type", ""),
        "target": call.headers.get("x-amz-target", ""),
        "region": region,
        "service": service,
    }


def _changes(call: Call) -> bool:
    action = call.form.get("Action") or call.headers.get("x-amz-target", "").rpartition(".")[2]
    return not action.startswith(_READS) if action else call.method not in {"GET", "HEAD"}


def _moto_app() -> AsgiApp:
    """moto's server as an ASGI app, emptied of whatever an earlier emulator in this process left."""
    from a2wsgi import WSGIMiddleware
    from moto.moto_api._internal.models import moto_api_backend
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

    moto_api_backend.reset()
    dispatcher: Any = DomainDispatcherApplication(create_backend_app)
    app: Any = WSGIMiddleware(dispatcher, workers=1)
    asgi: AsgiApp = app
    return asgi


async def _through(app: AsgiApp, entry: Entry) -> Answer:
    body = base64.b64decode(entry["body"])
    scope_of_key = f"{CUSTOMER_ACCOUNT}/20260101/{entry['region']}/{entry['service']}/aws4_request"
    headers = {
        "host": f"{entry['service']}.{entry['region']}.amazonaws.com",
        "authorization": f"AWS4-HMAC-SHA256 Credential=AKIA{scope_of_key}, SignedHeaders=host, Signature=0",
        "content-length": str(len(body)),
        "content-type": entry["type"],
        "x-amz-target": entry["target"],
        "x-moto-account-id": CUSTOMER_ACCOUNT,
    }
    sent: list[MutableMapping[str, Any]] = []
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": entry["method"],
        "scheme": "http",
        "path": unquote(entry["path"]),
        "raw_path": entry["path"].encode(),
        "root_path": "",
        "query_string": entry["query"].encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items() if value],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    told = {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}
    told.pop("content-length", None)
    return Answer(sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:]), told)


def _iam() -> Any:
    from moto.backends import get_backend

    return get_backend("iam")[CUSTOMER_ACCOUNT]["aws"]


def _function(arn: str) -> Function | None:
    from moto.awslambda.exceptions import UnknownFunctionException
    from moto.backends import get_backend

    _, _, _, region, account, _, *named = arn.split(":")
    if account != CUSTOMER_ACCOUNT or not named:
        return None
    try:
        found = get_backend("lambda")[account][region].get_function(arn)
    except UnknownFunctionException:
        return None
    told = found.event_invoke_config[0].config if found.event_invoke_config else {}
    return Function(
        found.function_name, str(found.version), region, found.handler or "", _digest(found), float(found.timeout), arn,
        found.code_bytes, dict(found.environment_vars), tuple(found.policy.statements),
        told.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination"),
    )  # fmt: skip


def _digest(found: Any) -> str:
    """Another one for other code, variables or handler, so that a container is never kept too long."""
    told = json.dumps([found.code_digest, found.environment_vars, found.handler], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()


def _filters(group_arn: str) -> list[tuple[str, str]] | None:
    from moto.backends import get_backend

    _, _, _, region, account, _, name, *_ = group_arn.split(":")
    group = get_backend("logs")[account][region].groups.get(name)
    if group is None:
        return None
    return [(one.destination_arn, one.filter_pattern or "") for one in group.describe_subscription_filters()]


def _role(arn: str) -> dict[str, Any] | None:
    roles = _iam().roles.values()
    role = next((role for role in roles if role.arn == arn), None)
    if role is None:
        return None
    inline = [_document(text) for text in role.policies.values()]
    managed = [_document(policy.document) for policy in role.managed_policies.values()]
    return {
        "trust": _document(role.assume_role_policy_document),
        "policies": [*inline, *managed],
        "max_seconds": int(role.max_session_duration or 3600),
        "id": role.id,
    }


def _access_key(key_id: str) -> tuple[str, str] | None:
    iam = _iam()
    for user in iam.users.values():
        for key in user.access_keys:
            if key.access_key_id == key_id and key.status == "Active":
                return user.arn, key.secret_access_key
    return None


def _document(text: str | dict[str, Any]) -> dict[str, Any]:
    if isinstance(text, dict):
        return text
    document: dict[str, Any] = json.loads(unquote(text) if text.startswith("%") else text)
    return document
