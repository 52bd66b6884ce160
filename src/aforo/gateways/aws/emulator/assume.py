"""STS as far as moto is too kind: AssumeRole under the role's trust policy, and GetCallerIdentity of our callers."""

import re
import secrets
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape

from aforo.gateways.aws.emulator.identity import Caller, refusal
from aforo.gateways.aws.emulator.moto_backend import MotoBackend
from aforo.gateways.aws.emulator.trust import trusts
from aforo.gateways.aws.emulator.wire import Answer, AwsError, Call, query_result
from aforo.kit.clock import Clock

_NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"
_SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}")
_EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,1224}")
_CHAINED_SECONDS = 3600
_REMEMBERED_SECONDS = 86400


class Sts:
    """Hands out sessions; `sessions` is kept with the emulator's state. `session_seconds` shortens every session."""

    def __init__(self, clock: Clock, sessions: dict[str, dict[str, Any]], moto: MotoBackend) -> None:
        self._clock = clock
        self._sessions = sessions
        self._moto = moto
        self.session_seconds: float | None = None

    async def assume_role(self, call: Call, caller: Caller) -> Answer:
        asked = call.form
        _check_form(asked)
        arn = asked["RoleArn"]
        role = await self._moto.role(arn)
        if role is None or not trusts(role["trust"], caller.arn, asked.get("ExternalId")):
            words = f"User: {caller.arn} is not authorized to perform: sts:AssumeRole on resource: {arn}"
            raise refusal(call, "denied", words)
        seconds = _seconds(asked, role, chained=caller.assumed)
        key, session = self._session(arn, asked["RoleSessionName"], role["id"], seconds)
        self._forget_old()
        self._sessions[key] = session
        return query_result("AssumeRole", _credentials(key, session), _NAMESPACE)

    def caller_identity(self, caller: Caller) -> Answer:
        parts = (("Arn", caller.arn), ("UserId", caller.user_id), ("Account", caller.account_id))
        return query_result("GetCallerIdentity", _elements(parts), _NAMESPACE)

    def _forget_old(self) -> None:
        """A day after its end a session is unknown, no longer expired."""
        edge = self._clock.now().timestamp() - _REMEMBERED_SECONDS
        for key in [key for key, session in self._sessions.items() if session["expires"] < edge]:
            del self._sessions[key]

    def _session(self, role_arn: str, name: str, role_id: str, seconds: float) -> tuple[str, dict[str, Any]]:
        if self.session_seconds is not None:
            seconds = min(seconds, self.session_seconds)
        account, role_name = role_arn.split(":")[4], role_arn.rpartition("/")[2]
        session = {
            "key": secrets.token_urlsafe(30),
            "token": secrets.token_urlsafe(120),
            "expires": self._clock.now().timestamp() + seconds,
            "role": role_arn,
            "arn": f"arn:aws:sts::{account}:assumed-role/{role_name}/{name}",
            "user_id": f"{role_id}:{name}",
        }
        return "ASIA" + secrets.token_hex(8).upper(), session


def _check_form(asked: dict[str, str]) -> None:
    if not _SESSION_NAME.fullmatch(asked.get("RoleSessionName", "")):
        raise AwsError("ValidationError", "1 validation error detected: Value at 'roleSessionName' failed to satisfy "
                       "constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*")  # fmt: skip
    if "ExternalId" in asked and not _EXTERNAL_ID.fullmatch(asked["ExternalId"]):
        raise AwsError("ValidationError", "1 validation error detected: Value at 'externalId' failed to satisfy "
                       "constraint: Member must satisfy regular expression pattern: [\\w+=,.@:\\/-]*")  # fmt: skip
    if not asked.get("RoleArn", "").startswith("arn:aws:iam::"):
        raise AwsError("ValidationError", f"{asked.get('RoleArn', '')} is invalid")


def _seconds(asked: dict[str, str], role: dict[str, Any], *, chained: bool) -> int:
    text = asked.get("DurationSeconds", "3600")
    seconds = int(text) if text.isdigit() else 0
    if seconds < 900 or seconds > 43200:
        raise AwsError("ValidationError", "1 validation error detected: Value at 'durationSeconds' failed to satisfy "
                       "constraint: Member must have value between 900 and 43200")  # fmt: skip
    if chained and seconds > _CHAINED_SECONDS:
        raise AwsError("ValidationError", "The requested DurationSeconds exceeds the 1 hour session limit for roles "
                       "assumed by role chaining")  # fmt: skip
    if seconds > role["max_seconds"]:
        words = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
        raise AwsError("ValidationError", words)
    return seconds


def _credentials(key: str, session: dict[str, Any]) -> str:
    expires = datetime.fromtimestamp(session["expires"], UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    credentials = (
        ("AccessKeyId", key), ("SecretAccessKey", session["key"]),
        ("SessionToken", session["token"]), ("Expiration", expires),
    )  # fmt: skip
    user = (("AssumedRoleId", session["user_id"]), ("Arn", session["arn"]))
    return f"<Credentials>{_elements(credentials)}</Credentials><AssumedRoleUser>{_elements(user)}</AssumedRoleUser>"


def _elements(named: tuple[tuple[str, str], ...]) -> str:
    return "".join(f"<{name}>{escape(value)}</{name}>" for name, value in named)
