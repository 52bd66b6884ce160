"""The one policy of MuleSoft's own that Aforo applies to an instance: which, how it is written, and what is there."""

from dataclasses import dataclass
from typing import Final

from aforo.gateway_sdk.artifact import Wiring
from aforo.gateway_sdk.errors import GatewayError, PostconditionFailed
from aforo.gateways.mulesoft.client import Anypoint, Row
from aforo.gateways.mulesoft.mapping.limits import CHECKING, ENFORCING
from aforo.gateways.mulesoft.mapping.marks import LOOKS_FOR
from aforo.gateways.mulesoft.provisioner.holding import tiers_of

MULESOFT: Final = "68ef9520-24e9-4cf2-b2f5-620025690913"
"""The organization that publishes MuleSoft's own policies in Exchange, the same everywhere."""

VERSIONS: Final = {"client-id-enforcement": "1.3.2", ENFORCING: "1.3.0"}
_NOBODY: Final = [{"methodRegex": "NONE", "uriTemplateRegex": "/none"}]
"""Which calls a policy means until it is switched off: there is no way to apply one that is off."""

_EXPRESSIONS: Final = {
    "credentialsOriginHasHttpBasicAuthenticationHeader": "customExpression",
    **LOOKS_FOR,
}


@dataclass(frozen=True, slots=True)
class There:
    """The policy at an instance that asks for client ids, if there is one, and whether it is on.

    `is_begun`: Aforo made it and broke off before it was meant for any call.
    """

    asset: str
    native: str
    is_on: bool
    is_begun: bool = False


async def there(anypoint: Anypoint, api: str) -> There | None:
    """The limiting one first, since it asks for client ids as well."""
    rows = {str(row.get("assetId")): row for row in await anypoint.policies(api)}
    found = next((rows[name] for name in (ENFORCING, *CHECKING) if name in rows), None)
    if found is None:
        return None
    return There(
        str(found["assetId"]), str(found["id"]), not found.get("disabled"), found.get("pointcutData") == _NOBODY
    )


async def wanted(anypoint: Anypoint, api: str) -> str:
    """With a tier to hold calls to, the limiting policy; without one it would refuse everybody."""
    active = any(row.get("status") == "ACTIVE" for row in await tiers_of(anypoint, api))
    return ENFORCING if active else CHECKING[0]


async def apply(anypoint: Anypoint, api: str, begun: There | None, *, on: bool) -> There:
    """Applied to no call, switched, then meant for all: so it refuses nobody while it is to be off."""
    native = begun.native if begun else await _created(anypoint, api)
    if not on:
        await anypoint.switch_policy(api, native, on=False)
    await anypoint.patch(("apis", api, "policies", native), {"pointcutData": None})
    return await shown(anypoint, api, on=on)


async def _created(anypoint: Anypoint, api: str) -> str:
    asset = await wanted(anypoint, api)
    configuration: Row = dict(_EXPRESSIONS)
    if asset == ENFORCING:
        configuration |= {"exposeHeaders": True, "clusterizable": True}
    body: Row = {
        "groupId": MULESOFT, "assetId": asset, "assetVersion": VERSIONS[asset], "configurationData": configuration,
        "pointcutData": _NOBODY,
    }  # fmt: skip
    return str((await anypoint.post(("apis", api, "policies"), body))["id"])


async def switch(anypoint: Anypoint, api: str, native: str, *, on: bool) -> There:
    await anypoint.switch_policy(api, native, on=on)
    return await shown(anypoint, api, on=on)


async def shown(anypoint: Anypoint, api: str, *, on: bool) -> There:
    """What was written, read back."""
    found = await there(anypoint, api)
    if found is None or found.is_on is not on:
        raise PostconditionFailed(
            f"The policies of instance {api} do not show what was written.", next_step="Look who else writes them."
        )
    return found


def instances(wiring: Wiring) -> list[str]:
    """The instances that the operator names, else those of all products. Raises GatewayError for another name."""
    known = {one.native_id: one.native_id for one in wiring.products} | {
        one.ref: one.native_id for one in wiring.products
    }
    for target in wiring.targets:
        if target not in known:
            raise GatewayError(
                f"{target!r} is no API instance that is sold here.",
                next_step=f"Name one of {', '.join(sorted(known)) or 'none: import one first'}.",
            )
    return list(dict.fromkeys(known[one] for one in wiring.targets or known))
