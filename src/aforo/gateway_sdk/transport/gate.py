"""What stands before every call."""

from typing import Protocol

from aforo.gateway_sdk.errors import GatewayError


class Gate(Protocol):
    """The circuit breaker and health of one integration. Every call that was admitted ends with one of the others."""

    async def admit(self) -> None:
        """Let one call through, or raise BreakerOpen."""
        ...

    async def passed(self, took_ms: float) -> None: ...

    async def failed(self, error: GatewayError) -> None: ...

    async def abandoned(self) -> None:
        """The call ended without telling anything of the gateway: cancelled, never sent, or a fault of our own."""
        ...


class OpenGate:
    """Lets everything through: for conformance runs and for a connection that has not been saved yet."""

    async def admit(self) -> None:
        return

    async def passed(self, took_ms: float) -> None:
        del took_ms

    async def failed(self, error: GatewayError) -> None:
        del error

    async def abandoned(self) -> None:
        return
