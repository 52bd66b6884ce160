"""Shared flows at Apigee: revisions, deployments that become ready, and removing them again."""

from collections.abc import Mapping
from typing import Final

from aforo.gateway_sdk.errors import GatewayRejected, PostconditionFailed
from aforo.gateways.apigee.artifact import bundle
from aforo.gateways.apigee.client import Client, flow_deployment
from aforo.kit.clock import Clock

_WAIT_SECONDS: Final = 2.0
_LOOKS: Final = 150


class Flows:
    def __init__(self, client: Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock

    async def latest(self, name: str) -> tuple[str, dict[str, bytes]] | None:
        """The newest revision and its files; None where there is no such shared flow."""
        row = await self._client.find("sharedflows", name)
        numbers = [str(one) for one in (row or {}).get("revision") or ()]
        if not numbers:
            return None
        number = max(numbers, key=int)
        return number, bundle.unzipped(await self._client.flow_bundle(name, number))

    async def imported(self, name: str, files: Mapping[str, bytes]) -> tuple[str, bool]:
        """A revision that holds these files, and whether it was made now. Raises for a foreign flow of our name."""
        found = await self.latest(name)
        if found and bundle.is_same(found[1], files):
            return found[0], False
        if found and bundle.version_in(found[1]) is None and bundle.wrapped(found[1]) is None:
            raise GatewayRejected(
                f"There is a shared flow {name} that is not Aforo's. Nothing was changed.",
                status=409,
                next_step="Rename or delete it at Apigee.",
            )
        return await self._client.upload_flow(name, bundle.zipped(files)), True

    async def deployed(self, environment: str, name: str) -> str | None:
        """The revision that is deployed there."""
        told = await self._client.search("environments", environment, "sharedflows", name, "deployments")
        return next((str(row["revision"]) for row in told.get("deployments") or ()), None)

    async def deploy(self, environment: str, name: str, revision: str) -> None:
        """Deployed and READY, or raises."""
        if await self.deployed(environment, name) != revision:
            await self._client.deploy_flow(environment, name, revision)
        for _ in range(_LOOKS):
            state, why = await self.state(environment, name, revision)
            if state == "READY":
                return
            if state == "ERROR":
                raise PostconditionFailed(
                    f"Apigee could not deploy revision {revision} of {name} to {environment}: {why}.",
                    next_step="Look at the deployment in Apigee's console, then deploy again.",
                )
            await self._clock.sleep(_WAIT_SECONDS)
        raise PostconditionFailed(
            f"Revision {revision} of {name} was not ready in {environment} after {_LOOKS * _WAIT_SECONDS:.0f} s.",
            next_step="Look at the environment's instances at Apigee, then deploy again.",
        )

    async def state(self, environment: str, name: str, revision: str) -> tuple[str, str]:
        """Apigee's word for it, and what went wrong."""
        told = await self._client.find(*flow_deployment(environment, name, revision))
        if told is None:
            return "ABSENT", ""
        errors = "; ".join(str(one.get("message") or "") for one in told.get("errors") or ())
        return str(told.get("state") or "PROGRESSING"), errors

    async def undeploy(self, environment: str, name: str) -> None:
        revision = await self.deployed(environment, name)
        if revision is not None:
            await self._client.delete(*flow_deployment(environment, name, revision))

    async def remove_unused(self, name: str) -> None:
        """The whole shared flow, unless an environment still has it deployed."""
        if await self._client.find("sharedflows", name) is None:
            return
        told = await self._client.search("sharedflows", name, "deployments")
        if not told.get("deployments"):
            await self._client.delete("sharedflows", name)
