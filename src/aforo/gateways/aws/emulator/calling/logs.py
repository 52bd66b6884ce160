"""Access logs: a line for each call in the stage's own format, and what subscription filters make of them.

Lines go to Lambda functions as CloudWatch Logs sends them: gzip, base64, asynchronously, twice more after a failure,
then to the queue that the function's settings name. The waits between attempts pass on the emulator's clock and are
looked at with each call. Only the empty filter pattern is known; a filter with another one gets nothing.
"""

import asyncio
import base64
import gzip
import json
from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import uuid4

from aforo.gateways.aws.emulator.calling.functions import FunctionFailed, Functions
from aforo.kit.clock import Clock

RETRIES_AFTER_SECONDS: Final = (60.0, 120.0)
_KEPT_LINES: Final = 10_000


@dataclass
class Delivery:
    function: str
    group: str
    event: dict[str, Any]
    due: float
    failures: int = 0


@dataclass
class AccessLogs:
    """`lines` by log group, the newest last; `waiting` for their next attempt; `undelivered` by the queue's ARN."""

    functions: Functions
    clock: Clock
    lines: defaultdict[str, deque[str]] = field(default_factory=lambda: defaultdict(lambda: deque(maxlen=_KEPT_LINES)))
    undelivered: defaultdict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    waiting: list[Delivery] = field(default_factory=list)
    _running: set["asyncio.Task[None]"] = field(default_factory=set)

    async def write(self, group_arn: str, line: str) -> None:
        """A group that does not exist takes nothing, as at AWS."""
        found = await self.functions.moto.filters(group_arn)
        if found is None:
            return
        group = group_arn.split(":")[6]
        self.lines[group].append(line)
        for destination, pattern in found:
            if destination.split(":")[2] == "lambda" and not pattern.strip():
                self.waiting.append(Delivery(destination, group_arn, self._event(group, line), 0.0))
        self.deliver_due()

    def deliver_due(self) -> None:
        """Begin every delivery whose time has come; nobody waits for it."""
        now = self.clock.monotonic()
        due = [one for one in self.waiting if one.due <= now]
        self.waiting = [one for one in self.waiting if one.due > now]
        for one in due:
            task = asyncio.create_task(self._deliver(one))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    def make_due(self) -> None:
        """Let the waits between attempts be over."""
        for one in self.waiting:
            one.due = 0.0

    async def delivered(self) -> None:
        """Until every delivery that has begun has ended."""
        while self._running:
            await asyncio.gather(*list(self._running))

    async def _deliver(self, one: Delivery) -> None:
        region, account = one.group.split(":")[3:5]
        source = f"arn:aws:logs:{region}:{account}:log-group:{one.group.split(':')[6]}:*"
        try:
            await self.functions.invoke(one.function, one.event, by="logs.amazonaws.com", source_arn=source)
        except FunctionFailed as fault:
            await self._failed(one, fault)

    async def _failed(self, one: Delivery, fault: FunctionFailed) -> None:
        one.failures += 1
        if one.failures <= len(RETRIES_AFTER_SECONDS):
            one.due = self.clock.monotonic() + RETRIES_AFTER_SECONDS[one.failures - 1]
            self.waiting.append(one)
            return
        function = await self.functions.moto.function(one.function)
        if function is not None and function.on_failure:
            told = {"requestPayload": one.event, "responsePayload": {"errorMessage": fault.told}}
            self.undelivered[function.on_failure].append(told)

    def _event(self, group: str, line: str) -> dict[str, Any]:
        told = {
            "messageType": "DATA_MESSAGE",
            "owner": "123456789012",
            "logGroup": group,
            "logStream": "access",
            "subscriptionFilters": [group],
            "logEvents": [{"id": uuid4().hex, "timestamp": int(self.clock.now().timestamp() * 1000), "message": line}],
        }
        return {"awslogs": {"data": base64.b64encode(gzip.compress(json.dumps(told).encode(), 1)).decode()}}
