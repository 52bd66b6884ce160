"""The gateways that there are, and their ways to sign in."""

from collections.abc import Mapping

from aforo.gateway_sdk.manifest import Manifest, SignIn
from aforo.gateway_sdk.registry import Entry
from aforo.integrations.errors import UnknownGateway


class Directory:
    """Looks up what a request names; raises UnknownGateway for what is not there."""

    def __init__(self, gateways: Mapping[str, Entry]) -> None:
        self._gateways = gateways

    def manifests(self) -> list[Manifest]:
        return [entry.manifest for entry in self._gateways.values()]

    def entry(self, gateway: str) -> Entry:
        entry = self._gateways.get(gateway)
        if entry is None:
            known = ", ".join(sorted(self._gateways))
            raise UnknownGateway(
                f"There is no gateway {gateway!r}.", (("/gateway", f"must be one of {known}"),), next_step="Choose one."
            )
        return entry

    def sign_in(self, gateway: str, key: str) -> SignIn:
        manifest = self.entry(gateway).manifest
        way = manifest.sign_in(key)
        if way is None:
            known = ", ".join(way.key for way in manifest.sign_ins)
            raise UnknownGateway(
                f"{manifest.name} has no sign-in {key!r}.",
                (("/signIn", f"must be one of {known}"),),
                next_step="Choose one of them.",
            )
        return way
