"""The tag on what is sold, at the stage and at its API.

The API's tag names the stages that are sold. So deleting the API is guarded as long as one of them is, whatever AWS
lets a stage inherit.
"""

from typing import Any, Final

from aforo.gateways.aws.client import Aws
from aforo.gateways.aws.mapping.products import Where
from aforo.gateways.aws.mapping.rules.settings import MONETIZED

_SERVICES: Final = {
    "rest": ("apigateway", "restapis", "resourceArn", "tags", "tagKeys"),
    "http": ("apigatewayv2", "apis", "ResourceArn", "Tags", "TagKeys"),
}


class Tags:
    """Of one stage and its API."""

    def __init__(self, aws: Aws, where: Where) -> None:
        self._aws = aws
        self._where = where
        self._service, kind, self._arn_name, self._tags_name, self._keys_name = _SERVICES[where.flavour]
        self._api = aws.arn(kind, where.api_id)
        self._stage = aws.arn(kind, where.api_id, "stages", where.stage)

    async def set(self, *, monetized: bool) -> None:
        """Read, then write what differs; other tags stay."""
        sold = set((await self._read(self._api)).get(MONETIZED, "").split())
        wanted = sold | {self._where.stage} if monetized else sold - {self._where.stage}
        if wanted != sold:
            await self._write(self._api, " ".join(sorted(wanted)))
        if ((await self._read(self._stage)).get(MONETIZED) is not None) is not monetized:
            await self._write(self._stage, "true" if monetized else "")

    async def _read(self, arn: str) -> dict[str, str]:
        told = await self._call("GetTags", arn)
        return dict(told.get(self._tags_name) or {})

    async def _write(self, arn: str, value: str) -> None:
        if value:
            await self._call("TagResource", arn, **{self._tags_name: {MONETIZED: value}})
        else:
            await self._call("UntagResource", arn, **{self._keys_name: [MONETIZED]})

    async def _call(self, operation: str, arn: str, **params: object) -> dict[str, Any]:
        return await self._aws.call(self._service, operation, {self._arn_name: arn, **params})
