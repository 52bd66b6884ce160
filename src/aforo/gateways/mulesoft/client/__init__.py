"""Anypoint Platform over HTTP: addresses, sign-in, paging, errors."""

from aforo.gateways.mulesoft.client.anypoint import Anypoint, Listing
from aforo.gateways.mulesoft.client.applications import Applications
from aforo.gateways.mulesoft.client.shapes import Row

__all__ = ["Anypoint", "Applications", "Listing", "Row"]
