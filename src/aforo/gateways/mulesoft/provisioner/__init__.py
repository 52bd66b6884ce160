"""Subscriptions at Anypoint: a client application for each key, with a contract for each API instance of the plan."""

from collections.abc import Sequence

from aforo.gateway_sdk.contract import Connection, Progress
from aforo.gateway_sdk.errors import PostconditionFailed
from aforo.gateway_sdk.pricing import ScopedProduct
from aforo.gateway_sdk.provision import Existence, Existing, Provisioner, Seat, Seated, Standing, WantedKey
from aforo.gateways.mulesoft.client import Anypoint, Applications
from aforo.gateways.mulesoft.provisioner import existing as everybody
from aforo.gateways.mulesoft.provisioner import holding
from aforo.gateways.mulesoft.provisioner.writing import Writer

__all__ = ["connect"]

_AGAIN = "Aforo tries again; if it stays so, look who else writes to Anypoint."


def connect(connection: Connection) -> Provisioner:
    """Makes no call; values that cannot work show at the first one."""
    return AnypointProvisioner(Anypoint(connection))


class AnypointProvisioner:
    """Fulfils `gateway_sdk.provision.Provisioner`."""

    def __init__(self, anypoint: Anypoint) -> None:
        self._anypoint = anypoint
        self._applications = Applications(anypoint)

    async def converge(self, seat: Seat) -> Seated:
        writer = Writer(self._anypoint, self._applications, seat)
        await writer.converge()
        seated = await self.observe(seat, writer.secrets)
        _hold_to(seat, seated)
        return seated

    async def observe(self, seat: Seat, secrets: dict[str, str] | None = None) -> Seated:
        """`secrets`: what a write has just been told, by credential."""
        held = await holding.Reader(self._anypoint, self._applications, seat).read()
        return holding.seated(held, await holding.notes(self._anypoint, held), secrets)

    async def existing(self, products: Sequence[ScopedProduct], progress: Progress) -> Existence:
        return await everybody.Everybody(self._anypoint, self._applications).existing(products, progress)

    async def remove(self, found: Existing) -> None:
        await everybody.remove(self._anypoint, self._applications, found)

    async def aclose(self) -> None:
        await self._anypoint.aclose()


def _hold_to(seat: Seat, seated: Seated) -> None:
    """Raise where Anypoint shows something else than was written."""
    wanted = {key.credential_id: key for key in seat.keys}
    for key in seated.keys:
        told = wanted.get(key.credential_id, WantedKey(key.credential_id, Standing.GONE))
        if key.standing is not (promised := holding.promised(seat, told)):
            raise PostconditionFailed(
                f"The application with client id {key.native_id} is {key.standing} at Anypoint, though it is to be "
                f"{promised}.",
                next_step=_AGAIN,
            )
    shut = [one.name for one in seat.scope if one.id not in seated.scope]
    if shut and not seat.adopted and any(key.standing is Standing.ACTIVE for key in seated.keys):
        raise PostconditionFailed(f"The keys do not open {', '.join(shut)} at Anypoint.", next_step=_AGAIN)
