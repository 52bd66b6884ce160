"""Where fragments are included: the policy of the service, of a product or of an API; read, edited and put back."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aforo.gateway_sdk.artifact import Wiring
from aforo.gateway_sdk.errors import GatewayError
from aforo.gateways.azure.client import Client
from aforo.gateways.azure.mapping.including import EMPTY, FRAGMENTS, NotAPolicy, included, with_ours, without_ours
from aforo.gateways.azure.mapping.policies import sections
from aforo.gateways.azure.mapping.products import api_name

_TARGET: Final = re.compile(r"global|(?P<kind>product|api):(?P<name>[^/\s]+)")
_ABOVE: Final = {"product": "products", "api": "apis"}


@dataclass(frozen=True, slots=True)
class Place:
    """One policy: `global`, `product:<name>` or `api:<name>`."""

    target: str

    @property
    def path(self) -> tuple[str, ...]:
        kind, _, name = self.target.partition(":")
        return (_ABOVE[kind], name) if name else ()

    @property
    def document(self) -> tuple[str, ...]:
        return (*self.path, "policies", "policy")


async def apis_of(client: Client, wiring: Wiring) -> dict[str, str]:
    """The sold products' APIs → the product's id, empty for an API in several of them."""
    found: dict[str, str] = {}
    for product in wiring.products:
        for row in await client.rows("products", product.native_id, "apis"):
            name = api_name(row)
            found[name] = product.id if found.get(name, product.id) == product.id else ""
    return found


def places(wiring: Wiring, apis: Sequence[str]) -> list[Place]:
    """Those that the operator names, else every API that is sold. Raises GatewayError for a name that is none."""
    for target in wiring.targets:
        if not _TARGET.fullmatch(target):
            raise GatewayError(
                f"{target!r} is no place to attach to.",
                next_step="Name global, product:<name in Azure> or api:<name in Azure>; or nothing, for all sold APIs.",
            )
    return [Place(one) for one in wiring.targets or [f"api:{name}" for name in sorted(apis)]]


async def attach(client: Client, place: Place) -> str | None:
    """Include the fragments, under the ETag of what was read; what stood there before."""
    found = await client.policy(*place.path)
    before = str(found.properties.get("value") or "") if found else None
    text = EMPTY if before is None else before
    try:
        after = with_ours(text, has_base=place.target != "global")
    except NotAPolicy as fault:
        raise GatewayError(
            f"The policy of {place.target} cannot be taken apart, so nothing was put into it.",
            next_step="Correct it in the Azure portal, then attach again.",
        ) from fault
    if before is None or after != text:
        await client.put(place.document, {"format": "rawxml", "value": after}, found.etag if found else None)
    return None if before is None else without_ours(before)


async def detach(client: Client, place: Place, before: object, *, was_absent: bool) -> None:
    """Take our includes out, and leave what others have changed since. A document that was ours alone goes whole."""
    found = await client.policy(*place.path)
    if found is None:
        return
    text = str(found.properties.get("value") or "")
    after = without_ours(text)
    if was_absent and sections(after) == sections(EMPTY):
        await client.delete(place.document, found.etag)
        return
    if isinstance(before, str) and sections(text) == sections(with_ours(before, has_base=place.target != "global")):
        after = before
    if after != text:
        await client.put(place.document, {"format": "rawxml", "value": after}, found.etag)


async def attached(client: Client, place: Place) -> tuple[str, ...]:
    """The sections of a place's policy that include ours."""
    found = await client.policy(*place.path)
    return included(str(found.properties.get("value") or "")) if found else ()


async def references(client: Client) -> list[Place]:
    """Every place that includes a fragment of ours, as Azure tells it; operations and workspaces are left out."""
    told: dict[str, None] = {}
    for fragment in FRAGMENTS.values():
        for path in await client.references(fragment):
            told.update(dict.fromkeys(_target_of(path)))
    return [Place(one) for one in told]


def _target_of(path: Sequence[str]) -> list[str]:
    if len(path) == 2:
        return ["global"]
    kinds = {above: kind for kind, above in _ABOVE.items()}
    return [f"{kinds[path[0]]}:{path[1]}"] if len(path) == 4 and path[0] in kinds else []
