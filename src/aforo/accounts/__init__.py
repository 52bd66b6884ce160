"""Tenants, users, roles, API keys and the audit trail.

What the edge needs is imported at once; `Accounts`, `CallerFor` and `Door` come on first use, since they bring the
database library and the web framework along, which the edge does without.
"""

import importlib
from typing import TYPE_CHECKING, Any

from aforo.accounts.errors import KeyRevoked, MissingScope, SignInNeeded, TenantMismatch
from aforo.accounts.model import Caller, Role, Scope, Session, presented_key

if TYPE_CHECKING:
    from aforo.accounts.door import SESSION_COOKIE, CallerFor, Door, VisitorFor
    from aforo.accounts.people import People
    from aforo.accounts.service import Accounts

__all__ = [
    "SESSION_COOKIE",
    "Accounts",
    "Caller",
    "CallerFor",
    "Door",
    "KeyRevoked",
    "MissingScope",
    "People",
    "Role",
    "Scope",
    "Session",
    "SignInNeeded",
    "TenantMismatch",
    "VisitorFor",
    "presented_key",
]

_LATER = {
    "Accounts": "service",
    "CallerFor": "door",
    "Door": "door",
    "People": "people",
    "SESSION_COOKIE": "door",
    "VisitorFor": "door",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(name)
    return getattr(importlib.import_module(f"{__name__}.{_LATER[name]}"), name)
