"""What "a gateway" means, as behaviours that every one of them shows: run against an emulator or a real gateway.

One list, parametrised over the registry by whoever runs it; a new folder under `gateways` is found by itself. They
speak the contract alone, so they need no vendor's client; what they change they put back.
"""

from aforo.gateway_sdk.conformance.bench import Bench, Broken
from aforo.gateway_sdk.conformance.pulling import PULLING
from aforo.gateway_sdk.conformance.selling import SELLING
from aforo.gateway_sdk.conformance.watching import WATCHING

BEHAVIOURS = (*WATCHING, *SELLING, *PULLING)

__all__ = ["BEHAVIOURS", "Bench", "Broken"]
