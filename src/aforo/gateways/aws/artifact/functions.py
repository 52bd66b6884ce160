"""Lambda functions: uploaded, published as a version, and served by an alias that is moved on its own."""

import base64
import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from aforo.gateway_sdk.errors import GatewayError, GatewayNotFound, GatewayRejected, GatewayTimeout
from aforo.gateways.aws.artifact.names import LIVE, RUNTIME, TEMPLATES
from aforo.gateways.aws.client import Aws
from aforo.kit.clock import Clock

_PATIENCE_SECONDS: Final = 60.0
_PAUSE_SECONDS: Final = 1.0
_ENVIRONMENT_BYTES: Final = 4096
_LONG_AGO: Final = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Wish:
    """A function as it is to be. `kind` is the template's name, `label` says its version."""

    name: str
    kind: str
    role_arn: str
    label: str
    seconds: int


class Functions:
    """Every call may be repeated; a function's variables are laid over what somebody else has set there."""

    def __init__(self, aws: Aws, clock: Clock) -> None:
        self._aws = aws
        self._clock = clock

    async def put(self, wish: Wish, variables: Mapping[str, str]) -> str:
        """The function with this code and these variables; the number of the version that holds them."""
        found = await self.settings(wish.name)
        if found is None:
            await self._create(wish, variables)
        else:
            await self._update(wish, found, variables)
        await self._ready(wish.name)
        asked = {"FunctionName": wish.name, "Description": wish.label}
        return str((await self._aws.call("lambda", "PublishVersion", asked))["Version"])

    async def settings(self, name: str, qualifier: str | None = None) -> dict[str, Any] | None:
        """As Lambda tells them; None if there is no such function, or nothing under the qualifier."""
        named = {"Qualifier": qualifier} if qualifier else {}
        try:
            return await self._aws.call("lambda", "GetFunctionConfiguration", {"FunctionName": name, **named})
        except GatewayNotFound:
            return None

    async def serve(self, name: str, version: str) -> None:
        """Let the alias point to this version."""
        asked = {"FunctionName": name, "Name": LIVE, "FunctionVersion": version}
        operation = "CreateAlias" if await self.served(name) is None else "UpdateAlias"
        await self._aws.call("lambda", operation, asked)

    async def served(self, name: str) -> str | None:
        """The version that the alias points to."""
        try:
            told = await self._aws.call("lambda", "GetAlias", {"FunctionName": name, "Name": LIVE})
        except GatewayNotFound:
            return None
        return str(told["FunctionVersion"])

    async def retune(self, wish: Wish, variables: Mapping[str, str]) -> None:
        """Other variables for the code that serves. Raises GatewayError where newer code waits to be attached."""
        latest, live = await self.settings(wish.name), await self.settings(wish.name, LIVE)
        if latest is None or live is None:
            raise GatewayError(f"The function {wish.name} does not serve yet.", next_step="Deploy and attach first.")
        if latest["CodeSha256"] != live["CodeSha256"]:
            raise GatewayError(
                f"Newer code of {wish.name} is deployed and does not serve yet, so its settings stay as they are.",
                next_step="Attach, which also writes the settings.",
            )
        await self._retune(wish, latest, variables)
        await self._ready(wish.name)
        asked = {"FunctionName": wish.name, "Description": live.get("Description", wish.label)}
        version = str((await self._aws.call("lambda", "PublishVersion", asked))["Version"])
        await self.serve(wish.name, version)

    async def permit(self, name: str, statement: str, service: str, source_arn: str) -> None:
        """Let a service of AWS's call the function for this source."""
        if statement in await self.permitted(name):
            return
        await self._aws.call(
            "lambda",
            "AddPermission",
            {
                "FunctionName": name,
                "Qualifier": LIVE,
                "StatementId": statement,
                "Action": "lambda:InvokeFunction",
                "Principal": service,
                "SourceArn": source_arn,
            },
        )

    async def permitted(self, name: str) -> set[str]:
        """The ids of the statements in the policy of the alias."""
        try:
            told = await self._aws.call("lambda", "GetPolicy", {"FunctionName": name, "Qualifier": LIVE})
        except GatewayNotFound:
            return set()
        return {str(one.get("Sid")) for one in json.loads(told["Policy"])["Statement"]}

    async def forbid(self, name: str, statement: str) -> None:
        if statement in await self.permitted(name):
            asked = {"FunctionName": name, "Qualifier": LIVE, "StatementId": statement}
            await self._aws.call("lambda", "RemovePermission", asked)

    async def keep_undelivered(self, name: str, queue_arn: str) -> None:
        """Asynchronous events are tried twice more, then put into this queue."""
        asked = {
            "FunctionName": name,
            "Qualifier": LIVE,
            "MaximumRetryAttempts": 2,
            "MaximumEventAgeInSeconds": 21600,
            "DestinationConfig": {"OnFailure": {"Destination": queue_arn}},
        }
        await self._aws.call("lambda", "PutFunctionEventInvokeConfig", asked)

    async def _create(self, wish: Wish, variables: Mapping[str, str]) -> None:
        """A role made a moment ago cannot be assumed for some seconds; that is waited out."""
        asked = {
            "FunctionName": wish.name,
            "Description": wish.label,
            "Runtime": RUNTIME,
            "Role": wish.role_arn,
            "Handler": f"{wish.kind}.handler",
            "Code": {"ZipFile": _archive(wish.kind)},
            "Timeout": wish.seconds,
            "MemorySize": 256,
            "Environment": {"Variables": _fitting(variables)},
            "Tags": {"managed-by": "aforo"},
        }
        until = self._clock.monotonic() + 30
        while True:
            try:
                await self._aws.call("lambda", "CreateFunction", asked)
            except GatewayRejected as refusal:
                if "cannot be assumed" not in refusal.detail:
                    raise
                if self._clock.monotonic() >= until:
                    raise GatewayRejected(refusal.detail, status=refusal.status, next_step=_NO_ROLE) from refusal
                await self._clock.sleep(3)
            else:
                return

    async def _update(self, wish: Wish, found: Mapping[str, Any], variables: Mapping[str, str]) -> None:
        archive = _archive(wish.kind)
        if found["CodeSha256"] != base64.b64encode(hashlib.sha256(archive).digest()).decode():
            asked = {"FunctionName": wish.name, "ZipFile": archive}
            await self._aws.call("lambda", "UpdateFunctionCode", asked)
            await self._ready(wish.name)
        await self._retune(wish, found, variables)

    async def _retune(self, wish: Wish, found: Mapping[str, Any], variables: Mapping[str, str]) -> None:
        now = (found.get("Environment") or {}).get("Variables") or {}
        then = {**now, **variables}
        if then != now or found.get("Role") != wish.role_arn or found.get("Runtime") != RUNTIME:
            asked = {
                "FunctionName": wish.name,
                "Role": wish.role_arn,
                "Runtime": RUNTIME,
                "Environment": {"Variables": _fitting(then)},
            }
            await self._aws.call("lambda", "UpdateFunctionConfiguration", asked)

    async def _ready(self, name: str) -> None:
        """Lambda takes no next write before the last one is done."""
        until = self._clock.monotonic() + _PATIENCE_SECONDS
        while True:
            told = await self.settings(name) or {}
            if told.get("State", "Active") == "Active" and told.get("LastUpdateStatus", "Successful") == "Successful":
                return
            if "Failed" in (told.get("State"), told.get("LastUpdateStatus")):
                why = told.get("LastUpdateStatusReason") or told.get("StateReason") or "without a reason"
                raise GatewayRejected(f"Lambda could not take {name}: {why}.", status=400)
            if self._clock.monotonic() >= until:
                raise GatewayTimeout(f"Lambda is still busy with {name}.", next_step="Do the same again later.")
            await self._clock.sleep(_PAUSE_SECONDS)


def _archive(kind: str) -> bytes:
    """The same bytes for the same code."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        about = zipfile.ZipInfo(f"{kind}.py", _LONG_AGO)
        about.external_attr = 0o644 << 16
        archive.writestr(about, (TEMPLATES / f"{kind}.py").read_text())
    return packed.getvalue()


def _fitting(variables: Mapping[str, str]) -> dict[str, str]:
    size = sum(len(name.encode()) + len(value.encode()) for name, value in variables.items())
    if size > _ENVIRONMENT_BYTES:
        raise GatewayError(
            f"The function's settings take {size} bytes, and Lambda holds {_ENVIRONMENT_BYTES}.",
            next_step="Choose fewer stages as targets: about 60 fit.",
        )
    return dict(variables)


_NO_ROLE: Final = (
    "Let the functions have a role: the full variant of the role template makes one; with an access key, create "
    "aforo-functions for lambda.amazonaws.com, or name another in the option function_role."
)
