"""Who calls: access keys, sessions of assumed roles, signatures and clocks; and what AWS says to those it refuses."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from aforo.gateways.aws.emulator.moto_backend import CUSTOMER_ACCOUNT, MotoBackend
from aforo.gateways.aws.emulator.operations import recognise_at
from aforo.gateways.aws.emulator.signature import Signed, fits, signed
from aforo.gateways.aws.emulator.trust import permits
from aforo.gateways.aws.emulator.wire import AwsError, Call
from aforo.kit.clock import Clock

AFORO_ACCOUNT = "210987654321"
AFORO_ARN = f"arn:aws:iam::{AFORO_ACCOUNT}:user/aforo"
ADMIN_ARN = f"arn:aws:iam::{CUSTOMER_ACCOUNT}:user/admin"
AFORO_KEY = ("AKIAEMULATEDAFORO001", "emulated/only/Aforo/own/principal/key001")
ADMIN_KEY = ("AKIAEMULATEDADMIN001", "emulated/only/customer/admin/user/key001")
_STOCK_KEYS = {AFORO_KEY[0]: (AFORO_ARN, AFORO_KEY[1]), ADMIN_KEY[0]: (ADMIN_ARN, ADMIN_KEY[1])}
_TOLERANCE = timedelta(minutes=5)

_CODES = {
    "unsigned": ("MissingAuthenticationToken", "MissingAuthenticationTokenException"),
    "unknown": ("InvalidClientTokenId", "UnrecognizedClientException"),
    "expired": ("ExpiredToken", "ExpiredTokenException"),
    "signature": ("SignatureDoesNotMatch", "InvalidSignatureException"),
    "denied": ("AccessDenied", "AccessDeniedException"),
}
"""The same refusal as query services and as REST services name it."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A principal whose signature fits. `policies` is None for users, who may do anything here."""

    arn: str
    user_id: str
    by: Signed
    policies: list[Mapping[str, Any]] | None = field(default=None)

    @property
    def account_id(self) -> str:
        return self.arn.split(":")[4]

    @property
    def assumed(self) -> bool:
        return ":assumed-role/" in self.arn


def speaks_query(call: Call) -> bool:
    """Whether the call is of the query protocol, whose errors are XML."""
    return call.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")


def refusal(call: Call, kind: str, message: str) -> AwsError:
    """A 403 in the words of the caller's protocol."""
    return AwsError(_CODES[kind][0 if speaks_query(call) else 1], message, 403)


class Gate:
    """Lets calls in whose signature fits a key or a living session."""

    def __init__(self, clock: Clock, sessions: dict[str, dict[str, Any]], moto: MotoBackend) -> None:
        self._clock = clock
        self._sessions = sessions
        self._moto = moto
        self.skew_seconds = 0.0

    async def admit(self, call: Call) -> Caller:
        by = signed(call)
        if by is None:
            raise refusal(call, "unsigned", "Missing Authentication Token")
        caller, key = await self._holder(call, by)
        self._check_time(call, by)
        if not fits(call, by, key):
            raise refusal(call, "signature", "The request signature we calculated does not match the signature you "
                          "provided. Check your AWS Secret Access Key and signing method.")  # fmt: skip
        return caller

    async def _holder(self, call: Call, by: Signed) -> tuple[Caller, str]:
        token = call.headers.get("x-amz-security-token")
        if token is not None:
            return await self._session(call, by, token)
        known = _STOCK_KEYS.get(by.access_key) or await self._moto.access_key(by.access_key)
        if known is None or by.access_key in self._sessions:
            raise _unknown(call)
        return Caller(known[0], by.access_key.replace("AKIA", "AIDA"), by), known[1]

    async def _session(self, call: Call, by: Signed, token: str) -> tuple[Caller, str]:
        session = self._sessions.get(by.access_key)
        if session is None or session["token"] != token:
            raise _unknown(call)
        if self._clock.now().timestamp() >= session["expires"]:
            raise refusal(call, "expired", "The security token included in the request is expired")
        role = await self._moto.role(session["role"])
        if role is None:
            raise _unknown(call)
        return Caller(session["arn"], session["user_id"], by, role["policies"]), session["key"]

    def _check_time(self, call: Call, by: Signed) -> None:
        """AWS takes a signature for five minutes either way."""
        ours = self._clock.now() + timedelta(seconds=self.skew_seconds)
        stamp, now = (moment.strftime("%Y%m%dT%H%M%SZ") for moment in (by.moment, ours))
        if by.moment < ours - _TOLERANCE:
            edge = (ours - _TOLERANCE).strftime("%Y%m%dT%H%M%SZ")
            words = f"Signature expired: {stamp} is now earlier than {edge} ({now} - 5 min.)"
            raise refusal(call, "signature", words)
        if by.moment > ours + _TOLERANCE:
            edge = (ours + _TOLERANCE).strftime("%Y%m%dT%H%M%SZ")
            words = f"Signature not yet current: {stamp} is still later than {edge} ({now} + 5 min.)"
            raise refusal(call, "signature", words)


def check_rights(call: Call, caller: Caller) -> None:
    """Refuse an assumed role what its policies do not allow; users may do anything.

    Resources are checked for API Gateway; elsewhere, Lambda included, only that the action is allowed on some resource.
    """
    action, resource = _asked(call, caller)
    if caller.policies is None or action is None or permits(caller.policies, action, resource):
        return
    raise refusal(call, "denied", f"User: {caller.arn} is not authorized to perform: {action} on resource: "
                  f"{resource or '*'} because no identity-based policy allows the {action} action")  # fmt: skip


def _asked(call: Call, caller: Caller) -> tuple[str | None, str | None]:
    by = caller.by
    if by.service == "apigateway":
        path = call.path.strip("/").removeprefix("v2/")
        return f"apigateway:{call.method}", f"arn:aws:apigateway:{by.region}::/{path}"
    if by.service == "lambda":
        operation = recognise_at("lambda", call)
        return (f"lambda:{operation.name}", None) if operation else (None, None)
    name = call.form.get("Action") if speaks_query(call) else call.headers.get("x-amz-target", "").rpartition(".")[2]
    if by.service == "sts" or not name:
        return None, None
    service = "tag" if by.service == "tagging" else by.service
    return f"{service}:{name}", None


def _unknown(call: Call) -> AwsError:
    return refusal(call, "unknown", "The security token included in the request is invalid.")
