"""Addresses of channels, sealed for their place."""

import json
from dataclasses import replace

from aforo.alerts.model import Address, Channel
from aforo.kit.secretbox import SecretBox

_FIELD = "address"


class AddressVault:
    """Seals and opens."""

    def __init__(self, box: SecretBox) -> None:
        self._box = box

    def sealed(self, channel: Channel, address: Address) -> Channel:
        raw = json.dumps({"url": address.url, "secret": address.secret}).encode()
        return replace(
            channel, sealed=self._box.seal(raw, tenant_id=channel.tenant_id, owner_id=channel.id, field=_FIELD)
        )

    def open(self, channel: Channel) -> Address:
        """Raises SecretLost."""
        raw = self._box.open(channel.sealed, tenant_id=channel.tenant_id, owner_id=channel.id, field=_FIELD)
        kept = json.loads(raw)
        return Address(kept["url"], kept["secret"])
