"""The Lua plugin `aforo` at Kong: its files and how they get there, and where it is attached.

Kong OSS takes no code over its Admin API, so the preview hands out files, and `deploy` passes once the node shows the
plugin. Konnect takes the schema; its data planes need the files as well. A plugin's entity is ours by its tag.
"""

from aforo.gateway_sdk.artifact import Artifact
from aforo.gateway_sdk.contract import Connection
from aforo.gateways.kong.address import address
from aforo.gateways.kong.artifact.by_hand import HandedOut
from aforo.gateways.kong.artifact.plugin import KongArtifact
from aforo.gateways.kong.client import Client

__all__ = ["connect"]


def connect(connection: Connection) -> Artifact:
    """Makes no call; values that cannot work show at the first one."""
    if connection.sign_in == "declarative":
        return HandedOut()
    return KongArtifact(Client(connection.transport, address(connection)), connection.transport)
