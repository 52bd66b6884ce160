"""The plugin at a Kong with an Admin API, or in Konnect."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from aforo.gateway_sdk.artifact import ArtifactStatus, Canary, Phase, PlannedStep, Receipt, Rollout, Wiring
from aforo.gateway_sdk.contract import Check, Progress
from aforo.gateway_sdk.errors import GatewayError, GatewayRejected, PostconditionFailed
from aforo.gateway_sdk.transport import Transport
from aforo.gateways.kong.artifact import files, verifying
from aforo.gateways.kong.artifact.by_hand import declared
from aforo.gateways.kong.artifact.config import differing, plugin_config
from aforo.gateways.kong.artifact.places import Place, is_ours, places, tags, words_of
from aforo.gateways.kong.client import Client
from aforo.gateways.kong.mapping import Row

_METHOD_NOT_ALLOWED = 405


class KongArtifact:
    """Fulfils `gateway_sdk.artifact.Artifact`. `transport` also carries the canary's calls."""

    def __init__(self, client: Client, transport: Transport) -> None:
        self._client = client
        self._transport = transport

    @property
    def version(self) -> str:
        return files.version()

    async def preview(self, wiring: Wiring) -> Rollout:
        there = await places(self._client, wiring)
        rows = await self._client.rows("plugins")
        steps = [*await self._of_deploying(), *(_of_attaching(place, rows, wiring) for place in there)]
        notes = ("Kong sees a new plugin within seconds: its nodes look every 5 s.",)
        documents = (*files.documents(), declared(wiring))
        return Rollout(self.version, tuple(steps), tuple(place.word for place in there), documents, notes)

    async def deploy(self, wiring: Wiring, progress: Progress) -> Receipt:
        """At Konnect the schema is uploaded; at a node nothing can be, so the files must be there by now."""
        del wiring
        progress(0, 1, "plugin")
        if self._client.is_konnect:
            await self._client.put(("plugin-schemas", files.NAME), {"lua_schema": files.schema()})
        version = await self._version_there()
        if version is None:
            raise GatewayError(
                "The plugin aforo is not installed at this Kong, and Kong takes no code over its Admin API.",
                next_step="Do this, then deploy again. " + " ".join(files.STEPS),
            )
        if version != self.version:
            raise GatewayError(
                f"Version {version} of the plugin is installed at this Kong, not {self.version}.",
                next_step="Install the newer files and reload Kong, then deploy again. " + " ".join(files.STEPS[::2]),
            )
        progress(1, 1, "plugin")
        return Receipt(self.version, (f"plugin {files.NAME} {self.version}",))

    async def attach(self, wiring: Wiring, receipt: Receipt, progress: Progress) -> Receipt:
        there = await places(self._client, wiring)
        rows = await self._client.rows("plugins")
        for place in there:
            _refuse_namesake(place, rows, wiring)
        try:
            for number, place in enumerate(there):
                progress(number, len(there), "places")
                await self._put(place, wiring)
        except GatewayRejected as fault:
            raise _read_only() if fault.status == _METHOD_NOT_ALLOWED else fault from fault
        wanted = {place.plugin_id(wiring.integration_id) for place in there}
        for row in rows:
            if is_ours(row, wiring.integration_id) and row["id"] not in wanted:
                await self._client.delete("plugins", row["id"])
        progress(len(there), len(there), "places")
        return Receipt(receipt.version, receipt.made, receipt.before, tuple(place.word for place in there))

    async def detach(self, wiring: Wiring, receipt: Receipt) -> None:
        del receipt  # what is ours bears our tag, whatever was told of it
        for row in await self._mine(wiring):
            await self._client.delete("plugins", row["id"])
        if await self._mine(wiring):
            raise PostconditionFailed(
                "Plugins of Aforo's are still at Kong after they were deleted.", next_step="Look who else writes them."
            )

    def verify(self, wiring: Wiring, receipt: Receipt, canary: Canary | None) -> AsyncIterator[Check]:
        return verifying.verify(self._client, self._transport, wiring, receipt, canary)

    async def status(self, wiring: Wiring, receipt: Receipt | None) -> ArtifactStatus:
        version, mine = await self._version_there(), await self._mine(wiring)
        if version is None:
            return ArtifactStatus(Phase.ABSENT, detail="the plugin is not installed" if receipt else "")
        attached = words_of(mine)
        if version != self.version:
            return ArtifactStatus(Phase.DIFFERS, version, attached, f"version {version}, not {self.version}")
        if not mine:
            detail = "nothing of it is attached any more" if receipt and receipt.attached else ""
            return ArtifactStatus(Phase.DIFFERS if detail else Phase.DEPLOYED, version, (), detail)
        detail = _difference(mine, wiring, receipt)
        return ArtifactStatus(Phase.DIFFERS if detail else Phase.ATTACHED, version, attached, detail)

    async def set_mode(self, wiring: Wiring, targets: Sequence[str]) -> None:
        config, chosen = plugin_config(wiring), set()
        if targets:
            there = await places(self._client, replace(wiring, targets=tuple(targets)))
            chosen = {place.plugin_id(wiring.integration_id) for place in there}
        for row in await self._mine(wiring):
            if chosen and row["id"] not in chosen:
                continue
            if self._client.is_konnect:
                kept = {name: row[name] for name in ("service", "route", "enabled", "protocols") if row.get(name)}
                body = {**kept, "name": files.NAME, "tags": row["tags"], "config": {**row["config"], **config}}
                await self._client.put(("plugins", row["id"]), body)
            else:
                await self._client.patch(("plugins", row["id"]), {"config": config})

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _put(self, place: Place, wiring: Wiring) -> None:
        plugin_id, config = place.plugin_id(wiring.integration_id), plugin_config(wiring)
        at = {place.scope: {"id": place.native_id}} if place.native_id else {}
        body: Row = {"name": files.NAME, "config": config, "enabled": True, "tags": tags(wiring.integration_id), **at}
        await self._client.put(("plugins", plugin_id), body)
        row = await self._client.find("plugins", plugin_id)
        if row is None or not place.holds(row):
            raise PostconditionFailed(
                f"The plugin is not at {place.word} after it was attached there.", next_step="Look who else writes it."
            )

    async def _mine(self, wiring: Wiring) -> list[Row]:
        return [row for row in await self._client.rows("plugins") if is_ours(row, wiring.integration_id)]

    async def _version_there(self) -> str | None:
        """At Konnect the control plane knows the schema alone: its version is ours when the text is."""
        if self._client.is_konnect:
            found = await self._client.find("plugin-schemas", files.NAME)
            if found is None:
                return None
            text = (found.get("item") or found).get("lua_schema")
            return self.version if text == files.schema() else "another"
        return verifying.version_on(await self._client.info())

    async def _of_deploying(self) -> list[PlannedStep]:
        version = await self._version_there()
        if version == self.version:
            return [PlannedStep("keep", f"plugin {files.NAME} {version}", "installed")]
        if self._client.is_konnect:
            upload = PlannedStep("create" if version is None else "update", f"schema of plugin {files.NAME}")
            return [upload, PlannedStep("by_hand", "The files on each data plane", files.STEPS[0])]
        return [PlannedStep("by_hand", words) for words in files.STEPS]


def _of_attaching(place: Place, rows: Sequence[Row], wiring: Wiring) -> PlannedStep:
    _refuse_namesake(place, rows, wiring)
    held = any(place.holds(row) for row in rows)
    danger = "" if place.scope != "global" else "Every call through this Kong passes the plugin, sold or not."
    return PlannedStep("update" if held else "create", f"plugin {files.NAME} at {place.word}", danger=danger)


def _refuse_namesake(place: Place, rows: Sequence[Row], wiring: Wiring) -> None:
    for row in rows:
        if place.holds(row) and not is_ours(row, wiring.integration_id):
            raise GatewayError(
                f"Another plugin aforo is at {place.word} already (id {row['id']}), and it is not this integration's.",
                next_step="Delete it at Kong, or leave this target out.",
            )


def _difference(mine: Sequence[Row], wiring: Wiring, receipt: Receipt | None) -> str:
    off = [row["id"] for row in mine if not row.get("enabled", True)]
    if off:
        return f"plugin {off[0]} is switched off"
    wanted = plugin_config(wiring)
    names = sorted({name for row in mine for name in differing(wanted, row["config"])})
    if names:
        return f"other settings than Aforo's: {', '.join(names)}"
    missing = len(receipt.attached) - len(mine) if receipt else 0
    return f"{missing} of {len(mine) + missing} attachments are gone" if missing > 0 else ""


def _read_only() -> GatewayError:
    return GatewayError(
        "This Kong runs from a declarative file, so no plugin can be attached through its Admin API.",
        next_step="Add the entries of aforo-plugins.json, which the preview holds, to the file.",
    )
