"""What a behaviour is given, and how it says that it was not shown."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aforo.gateway_sdk.contract import Connection, Gateway, Product
from aforo.gateway_sdk.manifest import Capability, Manifest
from aforo.gateway_sdk.pricing import Pricing, ScopedProduct
from aforo.gateway_sdk.provision import Provisioner
from aforo.gateway_sdk.registry import Entry


class Broken(AssertionError):
    """A promise of the contract that this gateway does not keep, in words."""


def expect(holds: bool, words: str) -> None:
    """Raise Broken unless it holds."""
    if not holds:
        raise Broken(words)


@dataclass(frozen=True, slots=True)
class Bench:
    """One gateway, emulated or real, with at least two products in it.

    `connection` makes a fresh connection with the sign-in's values, `spoil` replacing single ones. `tag` is short and
    unlike that of any other run, so that what a run left behind is not taken for its own. `call` is a consumer's call
    of a product with a key's secret, which must pass; None where nobody knows what may be called.
    """

    entry: Entry
    connection: Callable[[dict[str, str]], Connection]
    tag: str
    call: Callable[[ScopedProduct, str], Awaitable[None]] | None = None

    @asynccontextmanager
    async def gateway(self, spoil: dict[str, str] | None = None) -> AsyncIterator[Gateway]:
        opened = self.entry.connect(self.connection(spoil or {}))
        try:
            yield opened
        finally:
            await opened.aclose()

    @asynccontextmanager
    async def provisioner(self) -> AsyncIterator[Provisioner]:
        opened = self.entry.provisioner(self.connection({}))
        try:
            yield opened
        finally:
            await opened.aclose()

    @asynccontextmanager
    async def pricing(self) -> AsyncIterator[Pricing]:
        opened = self.entry.pricing(self.connection({}))
        try:
            yield opened
        finally:
            await opened.aclose()

    async def products(self) -> tuple[Product, ...]:
        async with self.gateway() as gateway:
            found = await gateway.discover(quietly)
        expect(not found.partial, f"discovery was partial: {[problem.why for problem in found.problems]}")
        return found.products

    async def scope(self, count: int = 1) -> tuple[ScopedProduct, ...]:
        """Products that can be subscribed to: those that the gateway's own keys can open, in order of their names."""
        keyless = self.entry.manifest.keyless
        sellable = [one for one in await self.products() if not one.native_id.startswith(keyless)]
        expect(len(sellable) >= count, f"the gateway has fewer than {count} products that keys can open")
        chosen = sorted(sellable, key=lambda one: one.ref)[:count]
        return tuple(ScopedProduct(f"prod_{one.ref}", one.ref, one.native_id, one.name) for one in chosen)


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One promise: which capability it belongs to, what it says, and how to see it kept.

    `capability` is None for the gateway's own usage figures, which a manifest promises by its `usage`. `calls`: it is
    shown only on a bench that can make a consumer's call, and whose figures are not late.
    """

    capability: Capability | None
    words: str
    shown: Callable[[Bench], Awaitable[None]]
    calls: bool = False

    def __str__(self) -> str:
        return f"{self.capability.value if self.capability else 'usage'}: {self.words}"

    def is_promised(self, manifest: Manifest) -> bool:
        """Whether a gateway of this manifest has to show it."""
        if self.capability is None:
            return manifest.usage is not None
        return manifest.capabilities[self.capability].level in ("yes", "substitute")


def quietly(_done: int, _of: int | None, _what: str) -> None:
    """Progress that nobody watches."""
