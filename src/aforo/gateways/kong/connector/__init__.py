"""Joins Kong's client and mapping to fulfil the contract of a gateway."""

from aforo.gateway_sdk.contract import Connection, Gateway
from aforo.gateways.kong.address import address
from aforo.gateways.kong.client import Client
from aforo.gateways.kong.connector.offline import KongFile
from aforo.gateways.kong.connector.online import OnlineKong

__all__ = ["connect"]


def connect(connection: Connection) -> Gateway:
    """The connector for one way to sign in. Makes no call; values that cannot work show at the first one."""
    if connection.sign_in == "declarative":
        return KongFile(connection)
    return OnlineKong(Client(connection.transport, address(connection)), connection.sign_in, connection.clock)
