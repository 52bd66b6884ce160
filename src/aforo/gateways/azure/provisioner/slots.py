"""Which of a seat's keys goes into which of an Azure subscription's two slots, and what has to be written. Pure."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aforo.gateway_sdk.errors import GatewayError, PostconditionFailed
from aforo.gateway_sdk.provision import Standing, WantedKey
from aforo.gateways.azure.provisioner.names import SLOTS


@dataclass(frozen=True, slots=True)
class Layout:
    """Whose key each slot holds, and the values of those that change. A slot of nobody has a value nobody knows."""

    holders: Mapping[str, str]
    values: Mapping[str, str]


def is_open(keys: Sequence[WantedKey]) -> bool:
    """Whether an Azure subscription with these keys is to be active: not if all of them are suspended."""
    there = [key for key in keys if key.standing is not Standing.GONE]
    return not there or any(key.standing is Standing.ACTIVE for key in there)


def seated_keys(keys: Sequence[WantedKey]) -> list[WantedKey]:
    """Those that have a place at Azure: of several, a suspended one waits outside, since only both can be suspended."""
    there = [key for key in keys if key.standing is not Standing.GONE]
    if any(key.standing is Standing.ACTIVE for key in there):
        return [key for key in there if key.standing is Standing.ACTIVE]
    return there


def waiting_keys(keys: Sequence[WantedKey]) -> list[WantedKey]:
    """Suspended keys beside an active one."""
    seated = seated_keys(keys)
    return [key for key in keys if key.standing is Standing.SUSPENDED and key not in seated]


def layout(keys: Sequence[WantedKey], holders: Mapping[str, str], values: Mapping[str, str]) -> Layout:
    """What the slots are to hold, given what they hold; empty `values` for a subscription that is not there yet.

    A key stays in its slot. Raises for a third key, and for one that only Azure knew and that is gone or would be lost.
    """
    wanted = {key.credential_id: key for key in _fitting(keys)}
    for key in waiting_keys(keys):
        if key.secret is None:
            raise _lost_if_suspended(key)
    after = {slot: one for slot, one in holders.items() if one in wanted and values}
    for one in (one for one in wanted if one not in after.values()):
        if wanted[one].native_id and wanted[one].secret is None:
            raise _lost(wanted[one])
        after[next(slot for slot in SLOTS if slot not in after)] = one
    written = {slot: value for slot in SLOTS if (value := _value(slot, after, wanted, holders, values))}
    return Layout(after, written)


def _value(
    slot: str,
    after: Mapping[str, str],
    wanted: Mapping[str, WantedKey],
    before: Mapping[str, str],
    values: Mapping[str, str],
) -> str | None:
    """What to write into a slot; None where what stands there stays."""
    key = wanted.get(after.get(slot, ""))
    if key and key.secret:
        return key.secret if values.get(slot) != key.secret else None
    stays = bool(values) and before.get(slot) == after.get(slot)
    return None if stays else fresh()


def fresh() -> str:
    """A key as Azure makes them: 32 hexadecimal digits."""
    return secrets.token_hex(16)


def _fitting(keys: Sequence[WantedKey]) -> list[WantedKey]:
    found = seated_keys(keys)
    if len(found) > len(SLOTS):
        raise GatewayError(
            f"An Azure subscription has two keys, a primary and a secondary one, and {len(found)} are wanted.",
            next_step="Revoke one of the credentials, or wait for the end of a rotation.",
        )
    return found


def _lost(key: WantedKey) -> PostconditionFailed:
    return PostconditionFailed(
        f"The key {key.native_id} is no longer at Azure, and only Azure knew its secret.",
        next_step="Revoke this credential and issue another.",
    )


def _lost_if_suspended(key: WantedKey) -> GatewayError:
    return GatewayError(
        f"Azure suspends an Azure subscription with both its keys. To suspend the key {key.native_id or 'alone'}, it "
        "would have to be taken out, and Aforo does not know its secret to put it back.",
        next_step="Revoke this credential, or suspend the subscription.",
    )
