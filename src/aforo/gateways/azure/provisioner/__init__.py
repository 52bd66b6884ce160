"""Subscriptions at Azure API Management: a user and an Azure subscription with two keys each."""

from collections.abc import Sequence

from aforo.gateway_sdk.contract import Connection, Progress
from aforo.gateway_sdk.errors import PostconditionFailed
from aforo.gateway_sdk.pricing import ScopedProduct
from aforo.gateway_sdk.provision import Existence, Existing, Provisioner, Seat, Seated, Standing, WantedKey
from aforo.gateways.azure.client import Client, open_client
from aforo.gateways.azure.provisioner import existing as everybody
from aforo.gateways.azure.provisioner import holding
from aforo.gateways.azure.provisioner.writing import Writer

__all__ = ["connect"]

_AGAIN = "Aforo tries again; if it stays so, look who else writes to API Management."


def connect(connection: Connection) -> Provisioner:
    """Makes no call; values that cannot work show at the first one."""
    return AzureProvisioner(open_client(connection))


class AzureProvisioner:
    """Fulfils `gateway_sdk.provision.Provisioner`."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def converge(self, seat: Seat) -> Seated:
        closed = await Writer(self._client, seat).converge()
        seated = holding.seated(await holding.read(self._client, seat), seat, closed)
        _hold_to(seat, seated)
        return seated

    async def observe(self, seat: Seat) -> Seated:
        return holding.seated(await holding.read(self._client, seat), seat)

    async def existing(self, products: Sequence[ScopedProduct], progress: Progress) -> Existence:
        return await everybody.existing(self._client, products, progress)

    async def remove(self, found: Existing) -> None:
        await everybody.remove(self._client, found)

    async def aclose(self) -> None:
        await self._client.aclose()


def _hold_to(seat: Seat, seated: Seated) -> None:
    """Raise where Azure shows something else than was written."""
    wanted = {key.credential_id: key for key in seat.keys}
    for key in seated.keys:
        wish = wanted.get(key.credential_id)
        promised = _promised(seat, wish)
        if key.standing is not promised:
            raise PostconditionFailed(
                f"The key {key.native_id} is {key.standing} at Azure, though it is to be {promised}.", next_step=_AGAIN
            )
        if wish and wish.secret and key.secret not in (None, wish.secret):
            raise PostconditionFailed(
                f"The key {key.native_id} at Azure is not the one that was set.", next_step=_AGAIN
            )
    shut = [one.name for one in seat.scope if one.id not in seated.scope]
    opens = any(_promised(seat, wish) is Standing.ACTIVE for wish in seat.keys)
    if shut and opens and not seat.adopted and seat.standing is seated.standing is Standing.ACTIVE:
        raise PostconditionFailed(f"The keys do not open {', '.join(sorted(shut))} at Azure.", next_step=_AGAIN)


def _promised(seat: Seat, wish: WantedKey | None) -> Standing:
    if wish is None or Standing.GONE in (wish.standing, seat.standing):
        return Standing.GONE
    return Standing.SUSPENDED if Standing.SUSPENDED in (wish.standing, seat.standing) else Standing.ACTIVE
