"""Azure Resource Manager over HTTP: addresses, sign-in, paging, ETags, long-running operations, errors in our words."""

from aforo.gateways.azure.client.arm import Client, Found, Listing, open_client
from aforo.gateways.azure.client.faults import Row

__all__ = ["Client", "Found", "Listing", "Row", "open_client"]
