"""Named values and fragments: put there, read back, and taken away when nothing includes them any more."""

from collections.abc import Mapping

from aforo.gateway_sdk.artifact import Wiring
from aforo.gateway_sdk.errors import GatewayError, PostconditionFailed
from aforo.gateways.azure.artifact.names import SECRETS, TAG, is_ours, mark
from aforo.gateways.azure.client import Client, Found
from aforo.gateways.azure.mapping.policies import sections


async def put_named_value(client: Client, name: str, value: str) -> None:
    """Under the ETag of ours; somebody else's of this name is left alone."""
    found = await client.find("namedValues", name)
    if found and TAG not in (found.properties.get("tags") or ()):
        raise _foreign(f"named value {name}")
    told = {"displayName": name, "value": value, "secret": name in SECRETS, "tags": [TAG]}
    await client.put(("namedValues", name), told, found.etag if found else None)


async def put_fragment(client: Client, wiring: Wiring, name: str, text: str) -> None:
    """Written and read back, unless it stands there as it should."""
    found = await client.find("policyFragments", name, format="rawxml")
    if found and not is_ours(found.properties.get("description"), wiring):
        raise _foreign(f"policy fragment {name}")
    if found and is_as_left(found, wiring, text):
        return
    told = {"format": "rawxml", "value": text, "description": mark(wiring, text)}
    await client.put(("policyFragments", name), told, found.etag if found else None)
    again = await client.find("policyFragments", name, format="rawxml")
    if again is None or not is_as_left(again, wiring, text):
        raise PostconditionFailed(
            f"The policy fragment {name} does not show what was written.", next_step="Look who else writes to it."
        )


def is_as_left(found: Found, wiring: Wiring, text: str) -> bool:
    """By its mark, and by its content however Azure has laid it out; Azure may leave `<fragment>` out."""
    told = str(found.properties.get("value") or "")
    return found.properties.get("description") == mark(wiring, text) and _content(told) == _content(text)


async def remove(client: Client, wiring: Wiring, fragments: Mapping[str, str], values: Mapping[str, str]) -> None:
    """Ours alone; each under its ETag."""
    for name in fragments:
        found = await client.find("policyFragments", name)
        if found and is_ours(found.properties.get("description"), wiring):
            await client.delete(("policyFragments", name), found.etag)
    for name in values:
        found = await client.find("namedValues", name)
        if found and TAG in (found.properties.get("tags") or ()):
            await client.delete(("namedValues", name), found.etag)


def _content(text: str) -> dict[str, str]:
    inner = text.strip().removeprefix("<fragment>").removesuffix("</fragment>")
    return sections(f"<policies><inbound>{inner}</inbound></policies>")


def _foreign(what: str) -> GatewayError:
    return GatewayError(
        f"The {what} at this service is not this integration's.",
        next_step="Detach the other integration of Aforo from the service, or rename what is not Aforo's.",
    )
