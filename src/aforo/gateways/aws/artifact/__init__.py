"""A Lambda authorizer and an access-log forwarder: deployed as two functions, attached to stages of APIs.

`deploy` uploads and publishes; what serves does not change before `attach` moves the alias `live`. `detach` gives back
methods, routes, gateway responses and access logs; the functions, the log group and the queue stay, since lines of the
last calls may still be under way. Aforo's role may not create roles: the functions' role comes from the role template.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Final

from aforo.gateway_sdk.artifact import Artifact, ArtifactStatus, Canary, Phase, Receipt, Rollout, Wiring
from aforo.gateway_sdk.contract import Check, Connection, Progress
from aforo.gateway_sdk.errors import GatewayRejected, PostconditionFailed
from aforo.gateway_sdk.transport import Transport
from aforo.gateways.aws.artifact import verifying
from aforo.gateways.aws.artifact.attaching import AUTO, Attaching
from aforo.gateways.aws.artifact.forwarding import Forwarding
from aforo.gateways.aws.artifact.functions import Functions, Wish
from aforo.gateways.aws.artifact.names import LIVE, Names, suffix, variables, version
from aforo.gateways.aws.artifact.places import Api, Door, chosen, survey
from aforo.gateways.aws.artifact.preview import Facts, rollout
from aforo.gateways.aws.client import Aws
from aforo.gateways.aws.client.wire import partition
from aforo.kit.clock import Clock
from aforo.kit.jsontree import Json

_SECONDS: Final = {"authorizer": 10, "forwarder": 60}


class AwsArtifact:
    """Fulfils `gateway_sdk.artifact.Artifact`. `transport` also carries the canary's calls.

    `own_role` is the ARN of the role that we sign in by; empty with an access key.
    """

    def __init__(self, aws: Aws, transport: Transport, clock: Clock, own_role: str) -> None:
        self._aws = aws
        self._transport = transport
        self._clock = clock
        self._own_role = own_role
        self._functions = Functions(aws, clock)

    @property
    def version(self) -> str:
        return version()

    async def preview(self, wiring: Wiring) -> Rollout:
        names = await self._names(wiring)
        apis = await self._survey(wiring, names)
        account = await self._aws.call("apigateway", "GetAccount")
        facts = Facts(
            authorizer=await self._functions.settings(names.authorizer),
            forwarder=await self._functions.settings(names.forwarder),
            may_log=bool(account.get("cloudwatchRoleArn")),
        )
        return rollout(names, wiring, apis, facts, _refused_status(wiring))

    async def deploy(self, wiring: Wiring, progress: Progress) -> Receipt:
        """Also notes each stage's access log, so that what was there is known however attaching ends."""
        names = await self._names(wiring)
        apis = await self._survey(wiring, names)
        for number, wish in enumerate(self._wishes(wiring, names)):
            progress(number, 3, "functions")
            published = await self._functions.put(wish, self._variables(wiring))
            if await self._functions.served(wish.name) is None:
                await self._functions.serve(wish.name, published)
        await Forwarding(self._aws, self._functions, names).put()
        progress(3, 3, "functions")
        logs: dict[str, Json] = {
            stage.key: dict(stage.log) for api in apis for stage in api.stages if stage.log and not stage.has_our_log
        }
        made = (f"function {names.authorizer}", f"function {names.forwarder}", f"log group {names.log_group}",
                f"queue {names.queue}")  # fmt: skip
        return Receipt(self.version, made, {"accessLogs": logs})

    async def attach(self, wiring: Wiring, receipt: Receipt, progress: Progress) -> Receipt:
        names = await self._names(wiring)
        apis = await self._survey(wiring, names)
        _refuse_nothing_left(apis)
        for wish in self._wishes(wiring, names):
            await self._functions.serve(wish.name, await self._functions.put(wish, self._variables(wiring)))
        attaching = Attaching(self._aws, names)
        for number, api in enumerate(apis):
            progress(number, len(apis), "APIs")
            if api.open_stages:
                at = names.callers_arn(api.api_id)
                await self._functions.permit(names.authorizer, f"api-{api.api_id}", "apigateway.amazonaws.com", at)
                await attaching.attach(api, refused_status=_refused_status(wiring))
        progress(len(apis), len(apis), "APIs")
        attached = tuple(stage.product.ref for api in apis for stage in api.open_stages)
        return Receipt(self.version, receipt.made, receipt.before, attached)

    async def detach(self, wiring: Wiring, receipt: Receipt) -> None:
        """Raises GatewayRejected before the first write where an API holds edits that a deployment would make live."""
        names = await self._names(wiring)
        apis = await self._survey(wiring, names)
        _refuse_edits(apis)
        attaching = Attaching(self._aws, names)
        for api in apis:
            await attaching.detach(api, _logs(receipt))
            await self._functions.forbid(names.authorizer, f"api-{api.api_id}")
        left = [api.name for api in await self._survey(wiring, names) if any(door.is_ours for door in api.doors)]
        if left:
            raise PostconditionFailed(
                f"Methods of {', '.join(left)} still ask Aforo's authorizer.", next_step="Detach again."
            )

    def verify(self, wiring: Wiring, receipt: Receipt, canary: Canary | None) -> AsyncIterator[Check]:
        return verifying.verify(self, self._transport, wiring, receipt, canary)

    async def status(self, wiring: Wiring, receipt: Receipt | None) -> ArtifactStatus:
        names = await self._names(wiring)
        live = await self._functions.settings(names.authorizer, LIVE)
        if live is None:
            return ArtifactStatus(Phase.ABSENT, detail="the authorizer's function is gone" if receipt else "")
        label = str(live.get("Description", ""))
        apis = await self._survey(wiring, names)
        attached = tuple(stage.product.ref for api in apis for stage in api.stages if _holds(api, stage.has_our_log))
        missing = sorted(set(receipt.attached) - set(attached)) if receipt else []
        if missing:
            return ArtifactStatus(Phase.DIFFERS, label, attached, f"no longer attached: {', '.join(missing)}")
        if not attached:
            return ArtifactStatus(Phase.DEPLOYED, label)
        if open_doors := [f"{api.name} {door.word}" for api in apis for door in _open(api)]:
            words = ", ".join(open_doors[:5]) + (f" and {len(open_doors) - 5} more" if len(open_doors) > 5 else "")
            return ArtifactStatus(Phase.DIFFERS, label, attached, f"without the authorizer: {words}")
        if label != self.version:
            return ArtifactStatus(Phase.DIFFERS, label, attached, f"version {label}, not {self.version}")
        return ArtifactStatus(Phase.ATTACHED, label, attached)

    async def set_mode(self, wiring: Wiring, targets: Sequence[str]) -> None:
        """For all stages at once: one function serves them. Whether a product is enforced Aforo decides by itself."""
        del targets
        names = await self._names(wiring)
        for wish in self._wishes(wiring, names):
            await self._functions.retune(wish, self._variables(wiring))

    async def aclose(self) -> None:
        await self._aws.aclose()

    async def _names(self, wiring: Wiring) -> Names:
        told = await self._aws.identity()
        region = self._aws.place.region
        return Names(region, str(told["Account"]), partition(region), suffix(wiring.integration_id))

    async def _survey(self, wiring: Wiring, names: Names) -> list[Api]:
        return await survey(self._aws, self._clock, wiring, names.authorizer_uri())

    def _wishes(self, wiring: Wiring, names: Names) -> list[Wish]:
        role = wiring.options.get("function_role") or names.role_arn(self._own_role)
        named = {"authorizer": names.authorizer, "forwarder": names.forwarder}
        return [Wish(name, kind, role, self.version, _SECONDS[kind]) for kind, name in named.items()]

    def _variables(self, wiring: Wiring) -> dict[str, str]:
        places = {
            f"{where.api_id}/{where.stage}": (product.id, wiring.metrics.get(product.id, "api_calls"))
            for product, where in chosen(wiring)
        }
        return variables(wiring, places)


def connect(connection: Connection) -> Artifact:
    """Makes no call yet. Raises Invalid for a malformed region, role or endpoint."""
    own_role = connection.settings.get("role_arn", "") if connection.sign_in == "aws_role" else ""
    return AwsArtifact(Aws(connection), connection.transport, connection.clock, own_role)


def _refused_status(wiring: Wiring) -> str:
    return wiring.options.get("refused_status", AUTO)


def _holds(api: Api, has_log: bool) -> bool:
    return has_log and any(door.is_ours for door in api.doors)


def _open(api: Api) -> list[Door]:
    """Methods that were added since, or opened again, at an API that is attached."""
    is_attached = any(door.is_ours for door in api.doors)
    return [door for door in api.doors if is_attached and not door.is_ours and not door.keep]


def _logs(receipt: Receipt) -> dict[str, dict[str, str]]:
    found = receipt.before.get("accessLogs")
    logs = found if isinstance(found, dict) else {}
    return {
        key: {name: str(value) for name, value in log.items()} for key, log in logs.items() if isinstance(log, dict)
    }


def _refuse_nothing_left(apis: Sequence[Api]) -> None:
    if any(api.open_stages for api in apis):
        return
    why = "; ".join(f"{stage.product.ref}: {stage.left_out}" for api in apis for stage in api.stages)
    raise GatewayRejected(
        f"There is no stage to attach to. {why or 'No product of this gateway is imported.'}",
        status=409, next_step="Clear what is named, then preview again.",
    )  # fmt: skip


def _refuse_edits(apis: Sequence[Api]) -> None:
    for api in apis:
        for stage in api.stages:
            if stage.edits:
                raise GatewayRejected(
                    f"{stage.edits}, and so would detaching. Nothing was written.",
                    status=409,
                    next_step="Deploy or undo those edits, then detach again. Until then, switching to observe lets "
                    "every call pass.",
                )
