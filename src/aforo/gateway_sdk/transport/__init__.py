"""The one way to a vendor: address check, call budget, breaker, time-outs, and errors in our words.

A connector never opens a connection of its own. It gets a `Transport` and calls `call`; what comes back is an `Answer`
with a status that the caller said it can read, or a `GatewayError`.
"""

from aforo.gateway_sdk.transport.answer import Answer, Judge
from aforo.gateway_sdk.transport.call import Transport
from aforo.gateway_sdk.transport.gate import Gate, OpenGate
from aforo.gateway_sdk.transport.guard import new_http
from aforo.gateway_sdk.transport.hush import Hush
from aforo.gateway_sdk.transport.retry_after import retry_after_seconds
from aforo.gateway_sdk.transport.tls import TlsSetup

__all__ = ["Answer", "Gate", "Hush", "Judge", "OpenGate", "TlsSetup", "Transport", "new_http", "retry_after_seconds"]
