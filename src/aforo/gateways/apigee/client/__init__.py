"""The Apigee API over HTTP: addresses, tokens, paging, and what its errors mean."""

from aforo.gateways.apigee.client.api import Client, flow_deployment, open_client
from aforo.gateways.apigee.client.lists import Listing

__all__ = ["Client", "Listing", "flow_deployment", "open_client"]
