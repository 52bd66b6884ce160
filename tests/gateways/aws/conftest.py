"""A fresh emulated account for each test that asks for one."""

from collections.abc import AsyncIterator

import pytest

from aforo.gateway_sdk.emulator import StateFile, Switchboard
from aforo.gateways.aws import emulator
from aforo.gateways.aws.client import Aws
from aforo.gateways.aws.connector import connect
from aforo.kit.clock import HandClock
from tests.gateways.aws.emulated_account import BASE, Account, connection


@pytest.fixture
async def account() -> AsyncIterator[Account]:
    app = emulator.create(StateFile())
    emulator.seed(app)
    board, clock = Switchboard(app), HandClock()
    sign_in, keys = emulator.sample_connection(BASE)
    admin = Aws(connection(board, sign_in, keys, clock))
    gateway = connect(connection(board, sign_in, keys, clock))
    yield Account(app, board, gateway, admin, clock)
    await gateway.aclose()
    await admin.aclose()
