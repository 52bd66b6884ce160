"""An emulated account in this process, with a connected gateway and the account's own administrator."""

from dataclasses import dataclass, field
from typing import Any

import httpx2

from aforo.catalog.rules.diff import compare
from aforo.catalog.rules.restore import plan_restore
from aforo.gateway_sdk.budget import Budget
from aforo.gateway_sdk.contract import Connection, Gateway, Product, Step
from aforo.gateway_sdk.emulator import Switchboard
from aforo.gateway_sdk.transport import OpenGate, Transport
from aforo.gateways.aws import emulator
from aforo.gateways.aws.client import Aws
from aforo.gateways.aws.connector import connect
from aforo.gateways.aws.emulator.app import AwsEmulator
from aforo.gateways.aws.emulator.identity import AFORO_KEY
from aforo.gateways.aws.emulator.seeds import EXTERNAL_ID, ROLE_ARN
from aforo.gateways.aws.manifest import MANIFEST
from aforo.kit.clock import HandClock

BASE = "http://aws.emulator"
PRINCIPAL = {"aws_access_key_id": AFORO_KEY[0], "aws_secret_access_key": AFORO_KEY[1]}


@dataclass
class Account:
    """An emulated account with its switches, a connected gateway, and the account's own administrator."""

    app: AwsEmulator
    board: Switchboard
    gateway: Gateway
    admin: Aws
    clock: HandClock = field(default_factory=HandClock)

    async def product(self, ref: str) -> Product:
        found = await self.gateway.discover(lambda *_: None)
        return next(product for product in found.products if product.ref == ref)

    async def live(self, recorded: Product) -> Product:
        found = await self.gateway.read(recorded)
        assert found is not None
        return found

    async def restore(self, recorded: Product, remove: frozenset[str] = frozenset()) -> list[str]:
        """What a restore does, as the catalog would plan it."""
        live = await self.gateway.read(recorded)
        steps = plan_restore(recorded, live, MANIFEST.kinds, remove=remove).steps
        done: list[Step] = []
        await self.gateway.apply(recorded, live, steps, done.append)
        return [step.title for step in done]

    async def drift(self, recorded: Product) -> list[str]:
        live = await self.live(recorded)
        return [change.path for change in compare(recorded, live, MANIFEST.kinds).changes if change.counts]


def connection(board: Any, sign_in: str, settings: dict[str, str], clock: HandClock, **facts: str) -> Connection:
    http = httpx2.AsyncClient(transport=httpx2.ASGITransport(board))
    transport = Transport(http, gateway_name="AWS", budget=Budget((), clock), gate=OpenGate())

    async def remember(name: str, value: str) -> None:
        raise AssertionError(f"nothing to remember: {name} {len(value)}")

    return Connection("intg-1", sign_in, settings, transport, clock, remember, facts)


def by_role(account: Account, role: str = ROLE_ARN, external_id: str = EXTERNAL_ID, **facts: str) -> Gateway:
    settings = {"role_arn": role, "region": emulator.REGION, "endpoint_url": BASE}
    told = {**PRINCIPAL, "external_id": external_id, **facts}
    return connect(connection(account.board, "aws_role", settings, account.clock, **told))


def patch(op: str, path: str, value: str = "") -> dict[str, str]:
    return {"op": op, "path": path, "value": value}
