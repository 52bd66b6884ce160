"""Who calls the edge, told by the API key."""

from urllib.parse import parse_qs

from aforo.accounts import Caller, Scope, presented_key
from aforo.accounts.errors import MissingScope, TenantMismatch
from aforo.accounts.keyring import KeyRing
from aforo.app.edge.head import Head
from aforo.kit.errors import Overloaded, Unauthenticated


class EdgeDoor:
    """Lets in API keys that have the scope and whose tenant is the one that the request names, if it names one."""

    def __init__(self, keys: KeyRing) -> None:
        self._keys = keys

    @property
    def ready(self) -> bool:
        return self._keys.ready

    def caller(self, head: Head, scope: Scope) -> Caller:
        """Raises Unauthenticated, KeyRevoked, NetworkRefused, MissingScope, TenantMismatch; Overloaded at the start."""
        if not self._keys.ready:
            raise Overloaded("The API keys are not loaded yet.", next_step="Send the same bytes again.")
        presented = presented_key(head.headers)
        caller = self._keys.caller(presented, head.address) if presented else None
        if caller is None:
            raise Unauthenticated(
                "The API key is missing or not known.", next_step="Send it as `Authorization: Bearer <key>`."
            )
        if not caller.may(scope):
            raise MissingScope(f"The API key lacks the scope {scope.value}.", next_step="Use a key that has it.")
        if not all(caller.is_tenant(named) for named in _named_tenants(head)):
            raise TenantMismatch("The request names a tenant that is not the key's.", next_step="Leave it out.")
        return caller


def _named_tenants(head: Head) -> list[str]:
    named = [head.headers["x-tenant-id"]] if head.headers.get("x-tenant-id") else []
    if b"tenant" in head.query:
        query = parse_qs(head.query.decode("latin-1"))
        named += query.get("tenant_id", []) + query.get("tenantId", [])
    return named
