"""What signs our calls: fixed keys, or a role's session that is renewed ahead of its end."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Protocol

from aforo.gateway_sdk.errors import GatewayAuthFailed, GatewayForbidden, GatewayUnsafeRole
from aforo.gateways.aws.client.wire import Keys
from aforo.kit.clock import Clock

SESSION_SECONDS: Final = 3600
_RENEW_AHEAD_SECONDS: Final = 300
_NEW_ROLE_PATIENCE_SECONDS: Final = 30
_NEW_ROLE_PAUSE_SECONDS: Final = 3

CallSts = Callable[[str, Mapping[str, object], Keys, frozenset[str]], Awaitable[dict[str, Any]]]
"""(operation, parameters, signing keys, error codes that are expected and no fault of the connection) → values."""


class Session(Protocol):
    """Keys that are valid for some minutes yet."""

    async def keys(self) -> Keys: ...

    def forget(self) -> bool:
        """AWS says that they have expired; whether new ones can be had."""
        ...


class FixedKeys:
    """An access key that the operator entered."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    async def keys(self) -> Keys:
        return self._keys

    def forget(self) -> bool:
        return False


class AssumedRole:
    """A role in the customer's account, assumed by Aforo's principal with this integration's ExternalId.

    Its keys are used only after the role has refused a missing and a wrong ExternalId, which is tried once for each
    session: a role that accepts them could be used by any other customer of Aforo.
    One AssumeRole is in flight at a time; whoever comes meanwhile waits for it. The end of a session is reckoned by
    our own clock from the moment of asking, so that a difference between two clocks does no harm.
    """

    def __init__(
        self, call: CallSts, principal: Keys | None, *, role_arn: str, external_id: str, name: str, clock: Clock,
        is_new: bool = False,
    ) -> None:  # fmt: skip
        self._call = call
        self._principal = principal
        self._role_arn = role_arn
        self._external_id = external_id
        self._name = name
        self._clock = clock
        self._is_new = is_new
        self._held: Keys | None = None
        self._is_safe = False
        self._renew_at = 0.0
        self._one_at_a_time = asyncio.Lock()

    async def keys(self) -> Keys:
        """The session's keys, valid for five minutes at least.

        Raises GatewayForbidden when the role refuses us, GatewayUnsafeRole when it does not refuse others.
        """
        async with self._one_at_a_time:
            keys = await self._living()
            if not self._is_safe:
                await self._refuse_unsafe()
                self._is_safe = True
            return keys

    async def untried_keys(self) -> Keys:
        """Keys as above, of a role that may be unsafe: for asking who we are, and for nothing else."""
        async with self._one_at_a_time:
            return await self._living()

    def forget(self) -> bool:
        self._held = None
        return True

    def principal(self) -> Keys:
        """Aforo's own keys; raises GatewayAuthFailed naming the setting that is missing."""
        if self._principal is None:
            raise GatewayAuthFailed(
                "This installation has no AWS principal of its own to assume roles with.",
                next_step="Set AFORO_AWS_ACCESS_KEY_ID and AFORO_AWS_SECRET_ACCESS_KEY to an IAM user's key that may "
                "call sts:AssumeRole, or connect with an access key.",
            )
        return self._principal

    async def _living(self) -> Keys:
        if self._held is None or self._clock.monotonic() >= self._renew_at:
            asked_at = self._clock.monotonic()
            self._is_safe = False
            self._held = await self._assume_patiently()
            self._renew_at = asked_at + SESSION_SECONDS - _RENEW_AHEAD_SECONDS
        return self._held

    async def _refuse_unsafe(self) -> None:
        """Both must be refused; a refusal that could not be had, say by a throttle, proves nothing and is an error."""
        without = await self._accepts(None)
        wrong = await self._accepts(f"wrong-{secrets.token_hex(8)}")
        if without or wrong:
            what = " or ".join(word for word, yes in (("missing", without), ("wrong", wrong)) if yes)
            raise GatewayUnsafeRole(
                f"This role accepts a {what} ExternalId, so any other customer of Aforo could use it. "
                "Aforo does not connect with it.",
                next_step="Add the condition StringEquals sts:ExternalId to the role's trust policy: the template "
                "offered here has it.",
            )

    async def _accepts(self, external_id: str | None) -> bool:
        """Whether the role can be assumed with another ExternalId, or with none. The keys gained are dropped."""
        try:
            await self._assume(external_id, _REFUSALS)
        except GatewayForbidden:
            return False
        return True

    async def _assume_patiently(self) -> Keys:
        """A role made a moment ago refuses for some seconds; only then is a refusal waited out, up to 30 s."""
        give_up_at = self._clock.monotonic() + (_NEW_ROLE_PATIENCE_SECONDS if self._is_new else 0)
        while True:
            may_wait = self._clock.monotonic() < give_up_at
            try:
                keys = await self._assume(self._external_id, _REFUSALS if may_wait else frozenset())
            except GatewayForbidden as refusal:
                if not may_wait:
                    raise GatewayForbidden(refusal.detail, next_step=_REFUSED_ROLE) from refusal
                await self._clock.sleep(_NEW_ROLE_PAUSE_SECONDS)
            except GatewayAuthFailed as refusal:
                raise GatewayAuthFailed(
                    f"Aforo's own AWS principal was refused: {refusal.detail}", next_step=_REFUSED_PRINCIPAL
                ) from refusal
            else:
                self._is_new = False
                return keys

    async def _assume(self, external_id: str | None, expected: frozenset[str]) -> Keys:
        asked: dict[str, object] = {
            "RoleArn": self._role_arn,
            "RoleSessionName": self._name,
            "DurationSeconds": SESSION_SECONDS,
        }
        if external_id is not None:
            asked["ExternalId"] = external_id
        told = (await self._call("AssumeRole", asked, self.principal(), expected))["Credentials"]
        return Keys(told["AccessKeyId"], told["SecretAccessKey"], told["SessionToken"])


_REFUSALS: Final = frozenset({"AccessDenied", "AccessDeniedException"})
_REFUSED_ROLE: Final = (
    "Check that the role exists, trusts Aforo's AWS principal, and names this integration's ExternalId in its trust "
    "policy; a role made a moment ago needs some seconds."
)
_REFUSED_PRINCIPAL: Final = (
    "Set AFORO_AWS_ACCESS_KEY_ID and AFORO_AWS_SECRET_ACCESS_KEY to a valid key of Aforo's own IAM user."
)
