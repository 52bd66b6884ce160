"""Enforcement: everything that decides, reserves, leases and settles, joined."""

from aforo.enforcement.service.enforcement import Enforcement

__all__ = ["Enforcement"]
