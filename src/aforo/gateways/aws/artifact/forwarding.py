"""The way of metered calls: a log group, the forwarder that subscribes to it, and a queue for what is undelivered."""

from typing import Any, Final

from aforo.gateway_sdk.errors import GatewayError, GatewayNotFound
from aforo.gateways.aws.artifact.functions import Functions
from aforo.gateways.aws.artifact.names import Names
from aforo.gateways.aws.client import Aws

RETENTION_DAYS: Final = 7
_FORTNIGHT: Final = str(14 * 86_400)
_MOST_FILTERS: Final = 2


class Forwarding:
    """Every call may be repeated."""

    def __init__(self, aws: Aws, functions: Functions, names: Names) -> None:
        self._aws = aws
        self._functions = functions
        self._names = names

    async def put(self) -> None:
        """The forwarder must serve by now, since CloudWatch tries it."""
        names = self._names
        if not await self.has_log_group():
            asked: dict[str, object] = {"logGroupName": names.log_group, "tags": {"managed-by": "aforo"}}
            await self._aws.call("logs", "CreateLogGroup", asked)
        asked = {"logGroupName": names.log_group, "retentionInDays": RETENTION_DAYS}
        await self._aws.call("logs", "PutRetentionPolicy", asked)
        asked = {
            "QueueName": names.queue,
            "Attributes": {"MessageRetentionPeriod": _FORTNIGHT, "SqsManagedSseEnabled": "true"},
        }
        if not await self.has_queue():
            await self._aws.call("sqs", "CreateQueue", asked)
        await self._functions.keep_undelivered(names.forwarder, names.queue_arn())
        await self._functions.permit(names.forwarder, "logs", "logs.amazonaws.com", f"{names.log_arn()}:*")
        await self._subscribe()

    async def has_log_group(self) -> bool:
        asked = {"logGroupNamePrefix": self._names.log_group}
        found = (await self._aws.call("logs", "DescribeLogGroups", asked)).get("logGroups", [])
        return any(one["logGroupName"] == self._names.log_group for one in found)

    async def has_queue(self) -> bool:
        try:
            await self._aws.call("sqs", "GetQueueUrl", {"QueueName": self._names.queue})
        except GatewayNotFound:
            return False
        return True

    async def filters(self) -> list[dict[str, Any]]:
        """The subscription filters of our log group; none where there is no group."""
        if not await self.has_log_group():
            return []
        asked = {"logGroupName": self._names.log_group}
        return list((await self._aws.call("logs", "DescribeSubscriptionFilters", asked)).get("subscriptionFilters", []))

    def is_ours(self, told: dict[str, Any]) -> bool:
        arn = self._names.function_arn(self._names.forwarder)
        return (told["filterName"], told["destinationArn"]) == (self._names.filter, arn)

    async def _subscribe(self) -> None:
        there = await self.filters()
        if any(self.is_ours(one) for one in there):
            return
        others = [one["filterName"] for one in there if one["filterName"] != self._names.filter]
        if len(others) >= _MOST_FILTERS:
            raise GatewayError(
                f"The log group {self._names.log_group} has two subscription filters of others ({', '.join(others)}), "
                "and AWS allows no third.",
                next_step="Take one of them off, then deploy again.",
            )
        asked = {
            "logGroupName": self._names.log_group,
            "filterName": self._names.filter,
            "filterPattern": "",
            "destinationArn": self._names.function_arn(self._names.forwarder),
        }
        await self._aws.call("logs", "PutSubscriptionFilter", asked)
