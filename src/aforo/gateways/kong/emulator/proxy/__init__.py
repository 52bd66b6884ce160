"""The request path: consumers' calls, matched to routes, guarded by plugins and passed on to an upstream.

Modelled from recorded calls: `key-auth`, `acl`, `rate-limiting` (policy `local`) and `request-termination`. Plugins in
Lua run, by their priority, where the node has their code; others are kept but do nothing here. Changes work at once,
where a real node needs some seconds. A service on this machine is really called, others are echoed.
"""

from .path import PREFIX, RequestPath
from .upstream import Echo, NameUnknown, Sent, Unreachable, Upstream, UpstreamAnswer

__all__ = ["PREFIX", "Echo", "NameUnknown", "RequestPath", "Sent", "Unreachable", "Upstream", "UpstreamAnswer"]
