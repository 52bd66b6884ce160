"""Subscriptions at AWS API Gateway: API keys in usage plans, for REST APIs; HTTP APIs have neither."""

from collections.abc import Sequence

from aforo.gateway_sdk.contract import Connection, Progress
from aforo.gateway_sdk.errors import PostconditionFailed
from aforo.gateway_sdk.pricing import ScopedProduct
from aforo.gateway_sdk.provision import Existence, Existing, Provisioner, Seat, Seated, Standing
from aforo.gateways.aws.client import Aws
from aforo.gateways.aws.provisioner import existing as everybody
from aforo.gateways.aws.provisioner import holding
from aforo.gateways.aws.provisioner.names import stage_of
from aforo.gateways.aws.provisioner.writing import Writer

__all__ = ["connect"]

_AGAIN = "Aforo tries again; if it stays so, look who else writes to API Gateway."


def connect(connection: Connection) -> Provisioner:
    """Makes no call. Raises Invalid for a malformed region, role or endpoint."""
    return AwsProvisioner(Aws(connection))


class AwsProvisioner:
    """Fulfils `gateway_sdk.provision.Provisioner`."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    async def converge(self, seat: Seat) -> Seated:
        await Writer(self._aws, seat).converge()
        seated = await self.observe(seat)
        _hold_to(seat, seated)
        return seated

    async def observe(self, seat: Seat) -> Seated:
        return holding.seated(await holding.read(self._aws, seat), seat)

    async def existing(self, products: Sequence[ScopedProduct], progress: Progress) -> Existence:
        return await everybody.existing(self._aws, products, progress)

    async def remove(self, found: Existing) -> None:
        await everybody.remove(self._aws, found)

    async def aclose(self) -> None:
        await self._aws.aclose()


def _hold_to(seat: Seat, seated: Seated) -> None:
    """Raise where AWS shows something else than was written."""
    for key in seated.keys:
        promised = _promised(seat, key.credential_id)
        if key.standing is not promised:
            raise PostconditionFailed(
                f"API key {key.native_id} is {key.standing} at AWS, though it is to be {promised}.", next_step=_AGAIN
            )
    shut = [one.name for one in seat.scope if stage_of(one.native_id) and one.id not in seated.scope]
    if shut and any(key.standing is Standing.ACTIVE for key in seated.keys):
        raise PostconditionFailed(f"The keys do not open {', '.join(sorted(shut))} at AWS.", next_step=_AGAIN)


def _promised(seat: Seat, credential_id: str) -> Standing:
    wanted = {key.credential_id: key.standing for key in seat.keys}.get(credential_id, Standing.GONE)
    if Standing.GONE in (wanted, seat.standing):
        return Standing.GONE
    return Standing.SUSPENDED if Standing.SUSPENDED in (wanted, seat.standing) else Standing.ACTIVE
