"""The API's definition: import, overwrite and deploy."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from aforo.gateway_sdk.contract import SPEC_KIND, Product, Step
from aforo.gateway_sdk.errors import GatewayNotFound
from aforo.gateways.aws.client import Aws
from aforo.gateways.aws.connector.reading import api_at, exported, stage_at
from aforo.gateways.aws.mapping.document import assemble, completed, split
from aforo.gateways.aws.mapping.ours import with_artifact
from aforo.gateways.aws.mapping.overlay import wanted
from aforo.gateways.aws.mapping.products import INTEGRATIONS, Seen, Where, api_entity, rest_spelling
from aforo.gateways.aws.mapping.rules import DOCUMENT, canonical_form
from aforo.gateways.aws.mapping.rules.own import Own
from aforo.gateways.aws.mapping.trees import THIS_API, with_own_id
from aforo.kit.clock import Clock

_DEPLOYED_BY = "deployed by Aforo: restored to the record"


class DocumentWriter:
    """Writes one product's definition."""

    def __init__(self, aws: Aws, clock: Clock, recorded: Product) -> None:
        self._aws = aws
        self._clock = clock
        self._recorded = recorded

    async def overwrite(self, where: Where, steps: Sequence[Step]) -> None:
        """One write for both halves: what stands there now, with the steps' changes laid over it.

        AWS replaces the whole definition; `Undeployed` has looked before that nobody's edits are lost.
        """
        served = await self._served(where)
        api = await api_at(self._aws, where.flavour, where.api_id)
        settings = api_entity(Seen(where, api, {})).fields
        stamp = (served.get("info") or {}).get("version") if served else self._version()
        wish = self.wished(where, served, steps)
        if served:
            wish = with_artifact(wish, served)
        await self._put(where, completed(wish, settings, api.get("version") or stamp))

    def wished(self, where: Where, served: Mapping[str, Any] | None, steps: Sequence[Step]) -> dict[str, Any]:
        """The document as the steps want it, over the stage's export; over the record where there is none to export.

        In canonical form, with a placeholder for the API's own id.
        """
        contract, extensions = self._fields(SPEC_KIND), self._fields(INTEGRATIONS)
        if served is not None:
            contract, extensions = split(canonical_form(DOCUMENT, served, Own(where.api_id, where.stage)))
        for step in steps:
            if step.kind == SPEC_KIND:
                contract = wanted(contract, step)
            else:
                extensions = wanted(extensions, step)
        return assemble(contract, extensions)

    async def create(self, old: Where) -> Where:
        """A new API from the record. AWS chooses its id, so callers get a new address."""
        document = self._from_record()
        body = json.dumps(with_own_id(_without_unknown_id(document), old.api_id))
        if old.flavour == "rest":
            types = self._fields("api").get("endpointConfiguration", {}).get("types") or ["EDGE"]
            asked: dict[str, object] = {"body": body.encode(), "failOnWarnings": True}
            asked["parameters"] = {"endpointConfigurationTypes": types[0]}
            limit = "edge" if types[0] == "EDGE" else "regional"
            made = await self._aws.call("apigateway", "ImportRestApi", asked, limit=limit)
            where = Where("rest", str(made["id"]), old.stage)
        else:
            made = await self._aws.call("apigatewayv2", "ImportApi", {"Body": body, "FailOnWarnings": True})
            where = Where("http", str(made["ApiId"]), old.stage)
        if THIS_API in json.dumps(document):
            await self._put(where, document)
        return where

    async def publish(self, where: Where) -> None:
        """Make the definition live on the stage; an HTTP API's stage is made first if it is missing."""
        if where.flavour == "http":
            await self._publish_http(where)
        else:
            await self.deploy(where)

    async def deploy(self, where: Where) -> None:
        """CreateDeployment; for a REST API it makes the stage if there is none."""
        if where.flavour == "rest":
            asked = {"restApiId": where.api_id, "stageName": where.stage, "description": _DEPLOYED_BY}
            await self._aws.call("apigateway", "CreateDeployment", asked)
        else:
            asked = {"ApiId": where.api_id, "StageName": where.stage, "Description": _DEPLOYED_BY}
            await self._aws.call("apigatewayv2", "CreateDeployment", asked)

    async def _publish_http(self, where: Where) -> None:
        try:
            stage = await stage_at(self._aws, where)
        except GatewayNotFound:
            auto = bool(self._fields("stage").get("autoDeploy", False))
            asked = {"ApiId": where.api_id, "StageName": where.stage, "AutoDeploy": auto}
            stage = dict(rest_spelling(await self._aws.call("apigatewayv2", "CreateStage", asked)))
        if not stage.get("autoDeploy"):
            await self.deploy(where)

    async def _served(self, where: Where) -> dict[str, Any] | None:
        try:
            return await exported(self._aws, where)
        except GatewayNotFound:
            return None

    async def _put(self, where: Where, document: Mapping[str, Any]) -> None:
        body = json.dumps(with_own_id(document, where.api_id))
        if where.flavour == "rest":
            asked = {"restApiId": where.api_id, "mode": "overwrite", "failOnWarnings": True, "body": body.encode()}
            await self._aws.call("apigateway", "PutRestApi", asked)
        else:
            asked = {"ApiId": where.api_id, "Body": body, "FailOnWarnings": True}
            await self._aws.call("apigatewayv2", "ReimportApi", asked)

    def _from_record(self) -> dict[str, Any]:
        document = assemble(self._fields(SPEC_KIND), self._fields(INTEGRATIONS))
        return completed(document, self._fields("api"), self._version())

    def _fields(self, kind: str) -> dict[str, Any]:
        found = next((entity for entity in self._recorded.entities if entity.kind == kind), None)
        return dict(found.fields) if found else {}

    def _version(self) -> str:
        """The importer's own version; where nobody gave one, a stamp in AWS's form, so that it reads as none."""
        told = self._recorded.version
        tags = [self._fields(kind).get("tags") or {} for kind in ("api", "stage")]
        if told and not re.fullmatch(r"v\d+", told, re.IGNORECASE) and told not in [tag.get("version") for tag in tags]:
            return told
        return self._clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")


def _without_unknown_id(document: dict[str, Any]) -> dict[str, Any]:
    """The policy names the API's id, which is not known before the import; it follows right after."""
    return {name: value for name, value in document.items() if THIS_API not in json.dumps(value)}
