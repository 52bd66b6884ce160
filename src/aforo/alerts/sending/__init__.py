"""One try of one message, by the way its channel needs. Every connection is checked like a gateway's."""

from typing import Final

from aforo.alerts.model import Address, Channel, ChannelKind, Delivery, Outcome
from aforo.alerts.rules import addresses
from aforo.alerts.sending import broad, mail, web
from aforo.gateway_sdk.transport import Hush
from aforo.kit.clock import Clock

_LONGEST_ANSWER: Final = 300


class Sender:
    """Sends; whatever a receiver answers is an outcome, freed of the channel's secrets."""

    def __init__(self, clock: Clock, *, allow_private: bool) -> None:
        self._clock = clock
        self._allow_private = allow_private

    async def __call__(self, channel: Channel, address: Address, delivery: Delivery) -> Outcome:
        outcome = await self._sent(channel.kind, address, delivery)
        hush = Hush(addresses.secrets_of(channel.kind, address))
        told = hush(" ".join(outcome.answer.split()))[:_LONGEST_ANSWER]
        return Outcome(outcome.ok, told, outcome.gone, outcome.wait_seconds)

    async def not_understood(self, url: str) -> str | None:
        """What apprise has against a URL."""
        return await broad.not_understood(url)

    async def _sent(self, kind: ChannelKind, address: Address, delivery: Delivery) -> Outcome:
        now = self._clock.now()
        if kind is ChannelKind.EMAIL:
            place = addresses.mail_place(address.url)
            return await mail.send(place, delivery, now, allow_private=self._allow_private)
        if kind is ChannelKind.BROAD:
            return await broad.send(address.url, delivery, allow_private=self._allow_private)
        if kind is ChannelKind.SLACK:
            return await web.to_slack(address.url, delivery, now, allow_private=self._allow_private)
        return await web.to_webhook(address, delivery, now, allow_private=self._allow_private)
