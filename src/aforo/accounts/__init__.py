"""Tenants, users, roles, API keys and the audit trail."""

from aforo.accounts.model import Caller, Role, Scope, presented_key

__all__ = ["Caller", "Role", "Scope", "presented_key"]
