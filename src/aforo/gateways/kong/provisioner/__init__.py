"""Subscriptions at Kong: a consumer with keys and ACL groups each. Kong OSS, Enterprise and Konnect."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from aforo.gateway_sdk.contract import Connection, Progress
from aforo.gateway_sdk.errors import GatewayError, GatewayRejected, PostconditionFailed
from aforo.gateway_sdk.pricing import ScopedProduct
from aforo.gateway_sdk.provision import Existence, Existing, Provisioner, Seat, Seated, Standing
from aforo.gateways.kong.address import address
from aforo.gateways.kong.client import Client
from aforo.gateways.kong.provisioner import existing as everybody
from aforo.gateways.kong.provisioner import holding
from aforo.gateways.kong.provisioner.writing import Writer

__all__ = ["connect"]

_METHOD_NOT_ALLOWED: Final = 405


def connect(connection: Connection) -> Provisioner:
    """Makes no call; values that cannot work show at the first one."""
    where = address(connection) if connection.sign_in != "declarative" else _no_server()
    return KongProvisioner(Client(connection.transport, where))


def _read_only() -> GatewayError:
    return GatewayError(
        "This Kong runs from a declarative file, so no consumer can be made through its Admin API.",
        next_step="Connect the control plane that makes its configuration, such as Konnect or a Kong with a database.",
    )


def _no_server() -> GatewayError:
    return GatewayError(
        "A kong.yml has no server on which consumers could be made.",
        next_step="Connect the Admin API or Konnect to sell through this gateway.",
    )


class KongProvisioner:
    """Fulfils `gateway_sdk.provision.Provisioner`."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def converge(self, seat: Seat) -> Seated:
        seat = _with_keys_apart(seat)
        try:
            await Writer(self._client, seat).converge()
        except GatewayRejected as fault:
            raise _read_only() if fault.status == _METHOD_NOT_ALLOWED else fault from fault
        seated = await self.observe(seat)
        _hold_to(seat, seated)
        return seated

    async def observe(self, seat: Seat) -> Seated:
        return await holding.seated(self._client, seat)

    async def existing(self, products: Sequence[ScopedProduct], progress: Progress) -> Existence:
        return await everybody.existing(self._client, products, progress)

    async def remove(self, found: Existing) -> None:
        await everybody.remove(self._client, found)

    async def aclose(self) -> None:
        await self._client.aclose()


def _with_keys_apart(seat: Seat) -> Seat:
    """An adopted consumer is never closed: other keys on it are somebody else's. Its own keys wait apart instead."""
    if not seat.adopted or seat.standing is not Standing.SUSPENDED:
        return seat
    keys = [key if key.standing is Standing.GONE else replace(key, standing=Standing.SUSPENDED) for key in seat.keys]
    return replace(seat, keys=tuple(keys))


def _hold_to(seat: Seat, seated: Seated) -> None:
    """Raise where the gateway shows something else than was written."""
    wanted = {key.credential_id: key.standing for key in seat.keys}
    for key in seated.keys:
        promised = Standing.GONE if seat.standing is Standing.GONE else wanted.get(key.credential_id, Standing.GONE)
        if key.standing is not promised:
            raise PostconditionFailed(
                f"Key {key.native_id} is {key.standing} at Kong, though it is to be {promised}.",
                next_step="Aforo tries again; if it stays so, look who else writes to Kong.",
            )
    if seated.standing is not seat.standing and not (seat.adopted and seat.standing is not Standing.GONE):
        raise PostconditionFailed(
            f"The subscription is {seated.standing} at Kong, though it is to be {seat.standing}.",
            next_step="Aforo tries again; if it stays so, look who else writes to Kong.",
        )
