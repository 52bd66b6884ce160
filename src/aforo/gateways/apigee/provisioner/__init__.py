"""Subscriptions at Apigee: an app with keys each, below the customer's developer."""

from collections.abc import Sequence

from aforo.gateway_sdk.contract import Connection, Progress
from aforo.gateway_sdk.errors import PostconditionFailed
from aforo.gateway_sdk.pricing import ScopedProduct
from aforo.gateway_sdk.provision import Existence, Existing, Provisioner, Seat, Seated, Standing
from aforo.gateways.apigee.client import Client, open_client
from aforo.gateways.apigee.provisioner import existing as everybody
from aforo.gateways.apigee.provisioner import holding
from aforo.gateways.apigee.provisioner.writing import Writer
from aforo.kit.clock import Clock

__all__ = ["connect"]

_AGAIN = "Aforo tries again; if it stays so, look who else writes to Apigee."


def connect(connection: Connection) -> Provisioner:
    """Makes no call; values that cannot work show at the first one."""
    return ApigeeProvisioner(open_client(connection), connection.clock)


class ApigeeProvisioner:
    """Fulfils `gateway_sdk.provision.Provisioner`."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock

    async def converge(self, seat: Seat) -> Seated:
        await Writer(self._client, seat).converge()
        seated = await self.observe(seat)
        _hold_to(seat, seated)
        return seated

    async def observe(self, seat: Seat) -> Seated:
        return holding.seated(await holding.read(self._client, seat), seat, self._clock.now())

    async def existing(self, products: Sequence[ScopedProduct], progress: Progress) -> Existence:
        """`products` is not needed: Apigee's keys name the products that they open."""
        del products
        return await everybody.existing(self._client, self._clock.now(), progress)

    async def remove(self, found: Existing) -> None:
        await everybody.remove(self._client, found)

    async def aclose(self) -> None:
        await self._client.aclose()


def _hold_to(seat: Seat, seated: Seated) -> None:
    """Raise where Apigee shows something else than was written."""
    for key in seated.keys:
        promised = _promised(seat, key.credential_id)
        if key.standing is not promised:
            raise PostconditionFailed(
                f"The key {key.native_id[:12]}… is {key.standing} at Apigee, though it is to be {promised}. Its own "
                "status, its app's and its developer's all count.",
                next_step=_AGAIN,
            )
    is_gone = seated.standing is Standing.GONE
    if is_gone is not (seat.standing is Standing.GONE) and not (is_gone and seat.adopted):
        raise PostconditionFailed(
            f"The subscription is {seated.standing} at Apigee, though it is to be {seat.standing}.", next_step=_AGAIN
        )
    shut = {one.name for one in seat.scope if one.id not in seated.scope}
    if shut and any(key.standing is Standing.ACTIVE for key in seated.keys):
        raise PostconditionFailed(f"The keys do not open {', '.join(sorted(shut))} at Apigee.", next_step=_AGAIN)


def _promised(seat: Seat, credential_id: str) -> Standing:
    wanted = {key.credential_id: key.standing for key in seat.keys}.get(credential_id, Standing.GONE)
    if Standing.GONE in (wanted, seat.standing):
        return Standing.GONE
    return Standing.SUSPENDED if Standing.SUSPENDED in (wanted, seat.standing) else Standing.ACTIVE
