"""The Apigee API over HTTP: addresses, tokens, paging, and what its errors mean."""

from aforo.gateways.apigee.client.api import Client, Listing, open_client

__all__ = ["Client", "Listing", "open_client"]
