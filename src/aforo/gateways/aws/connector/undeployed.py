"""Edits of others that nobody has deployed: a restore neither ships them nor overwrites them unseen.

A deployment makes live whatever stands in the API, and an overwrite replaces it. So before the first write of a restore
that needs either, what stands there is compared with what the stage serves and with what the restore is to write.
AWS has no lock: what somebody edits between this look and the deployment goes live with it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from aforo.gateway_sdk.contract import Action, Step
from aforo.gateway_sdk.errors import GatewayError, GatewayRejected
from aforo.gateways.aws.client import Aws
from aforo.gateways.aws.connector.documents import DocumentWriter
from aforo.gateways.aws.connector.reading import api_at, exported, listed, stage_at, stages, working_export
from aforo.gateways.aws.mapping.parts import (
    Parts,
    exported_settings,
    http_parts,
    listed_parts,
    rest_parts,
    setting_parts,
    unlike,
)
from aforo.gateways.aws.mapping.patches import NEEDS_DEPLOYMENT
from aforo.gateways.aws.mapping.products import Where
from aforo.gateways.aws.mapping.rules.own import Own
from aforo.gateways.aws.mapping.trees import as_object, with_own_id

_NAMED: Final = 8
Document = Mapping[str, Any]


def deploys(step: Step) -> bool:
    """Whether this step on a REST API's settings takes effect only with a deployment."""
    return step.kind == "api" and step.action is not Action.DELETE and bool(_members(step) & NEEDS_DEPLOYMENT)


class Undeployed:
    """The look at one API before one of its stages is restored."""

    def __init__(self, aws: Aws, where: Where, documents: DocumentWriter) -> None:
        self._aws = aws
        self._where = where
        self._documents = documents

    async def refuse(self, steps: Sequence[Step], on_document: Sequence[Step], *, has_stage: bool) -> None:
        """Raise GatewayRejected, naming the parts, when others' edits are there; `steps` are all of the restore.

        An overwrite also passes where another stage serves all that stands there, since then nothing is lost.
        """
        if self._where.flavour == "http" and has_stage and await self._deploys_by_itself():
            return
        served = await exported(self._aws, self._where) if has_stage else None
        parts, settings = await self._here()
        known = [] if served is None else [self._parts(served)]
        if on_document or served is None:
            known.append(self._parts(self._target(served, on_document)))
        off = unlike(parts, *known)
        if off and on_document and await self._served_elsewhere(parts):
            off = []
        if served is not None:
            own = {f"setting {name}" for step in steps if step.kind == "api" for name in _members(step)}
            off += [name for name in unlike(settings, exported_settings(served, self._own)) if name not in own]
        if off:
            raise _refusal(off, overwrites=bool(on_document))

    @property
    def _own(self) -> Own:
        return Own(self._where.api_id, self._where.stage)

    async def _deploys_by_itself(self) -> bool:
        return bool((await stage_at(self._aws, self._where)).get("autoDeploy"))

    async def _here(self) -> tuple[Parts, Parts]:
        """The definition and the settings as they stand in the API."""
        if self._where.flavour == "http":
            document = await working_export(self._aws, self._where)
            return self._parts(document), exported_settings(document, self._own)
        api = await api_at(self._aws, "rest", self._where.api_id)
        return listed_parts(await listed(self._aws, self._where)), setting_parts(api, self._own)

    def _parts(self, document: Document) -> Parts:
        return rest_parts(document) if self._where.flavour == "rest" else http_parts(document, self._own)

    def _target(self, served: Document | None, steps: Sequence[Step]) -> Document:
        return as_object(with_own_id(self._documents.wished(self._where, served, steps), self._where.api_id))

    async def _served_elsewhere(self, parts: Parts) -> bool:
        """Whether some other stage serves just what stands in the API."""
        where = self._where
        named = {"id": where.api_id, "apiId": where.api_id}
        for seen in await stages(self._aws, where.flavour, named):
            if seen.where != where and not unlike(parts, self._parts(await exported(self._aws, seen.where))):
                return True
        return False


def _members(step: Step) -> set[str]:
    """The settings that a step writes; a creation writes all."""
    if step.action is Action.CREATE:
        return set(NEEDS_DEPLOYMENT) | {"corsConfiguration"}
    return {pointer.split("/")[1] for pointer in step.changed}


def _refusal(off: Sequence[str], *, overwrites: bool) -> GatewayError:
    named = ", ".join(off[:_NAMED]) + (f" and {len(off) - _NAMED} more" if len(off) > _NAMED else "")
    harm = "overwrite them" if overwrites else "make them live"
    return GatewayRejected(
        f"Somebody has edited this API without deploying to this stage: {named}. The restore would {harm}, so nothing "
        "was written: those edits are to be deployed or undone first.",
        status=409,
        next_step="Deploy those edits to the stage, or undo them in the API; then scan again and restore.",
    )
