"""A kong.yml has no server: what is to be done there is handed out as files, and nothing can be read back."""

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any, NoReturn

from aforo.gateway_sdk.artifact import ArtifactStatus, Canary, Phase, PlannedStep, Receipt, Rollout, Wiring
from aforo.gateway_sdk.contract import Check, Document, Progress, Verdict
from aforo.gateway_sdk.errors import GatewayError
from aforo.gateways.kong.artifact import files
from aforo.gateways.kong.artifact.config import plugin_config
from aforo.gateways.kong.artifact.places import GLOBAL, tags


class HandedOut:
    """Fulfils `gateway_sdk.artifact.Artifact` as far as files go."""

    @property
    def version(self) -> str:
        return files.version()

    async def preview(self, wiring: Wiring) -> Rollout:
        steps = [PlannedStep("by_hand", words) for words in files.STEPS]
        steps.append(PlannedStep("by_hand", "Add the entries of aforo-plugins.json to `plugins` in your kong.yml."))
        return Rollout(self.version, tuple(steps), documents=(*files.documents(), declared(wiring)))

    async def deploy(self, wiring: Wiring, progress: Progress) -> Receipt:
        del wiring, progress
        _refuse()

    async def attach(self, wiring: Wiring, receipt: Receipt, progress: Progress) -> Receipt:
        del wiring, receipt, progress
        _refuse()

    async def detach(self, wiring: Wiring, receipt: Receipt) -> None:
        del wiring, receipt
        _refuse()

    async def verify(self, wiring: Wiring, receipt: Receipt, canary: Canary | None) -> AsyncIterator[Check]:
        del wiring, receipt, canary
        words = "a kong.yml has no server that could be asked"
        yield Check("Plugin installed", Verdict.LIMITED, words, "Connect the Admin API of a node to verify it.")

    async def status(self, wiring: Wiring, receipt: Receipt | None) -> ArtifactStatus:
        del wiring, receipt
        return ArtifactStatus(Phase.ABSENT, detail="a kong.yml has no server that could be asked")

    async def set_mode(self, wiring: Wiring, targets: Sequence[str]) -> None:
        del wiring, targets
        _refuse()

    async def aclose(self) -> None:
        """Nothing is open."""


def declared(wiring: Wiring) -> Document:
    """Plugins for a declarative file; the key is read from the nodes' environment, so that no secret is in it."""
    config = plugin_config(wiring) | {"api_key": "{vault://env/aforo-api-key}"}
    named = wiring.targets or tuple(f"service:{one.ref}" for one in wiring.products)
    rows: list[dict[str, Any]] = []
    for target in named:
        scope, _, name = target.partition(":") if ":" in target else ("service", "", target)
        at = {} if target == GLOBAL else {scope: name}
        rows.append({"name": files.NAME, **at, "config": config, "tags": tags(wiring.integration_id)})
    return Document("aforo-plugins.json", "application/json", json.dumps({"plugins": rows}, indent=2) + "\n")


def _refuse() -> NoReturn:
    raise GatewayError(
        "A kong.yml has no server on which Aforo could install or attach anything.",
        next_step="Install the plugin with the files of the preview, and add its entries to your kong.yml.",
    )
