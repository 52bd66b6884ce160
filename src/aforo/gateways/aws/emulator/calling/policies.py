"""What an authorizer answered, judged as API Gateway does. Pure.

An explicit deny beats every allow; what no statement allows is denied; what is no policy is the API's own fault: 500.
Left out: NotAction, NotResource and conditions, which count as malformed here, so that nothing passes by mistake.
Source: API Gateway's developer guide, "Output from an API Gateway Lambda authorizer".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

_INVOKE = "execute-api:Invoke"
_EFFECTS = {"Allow", "Deny"}
_MEMBERS = {"Sid", "Effect", "Action", "Resource"}


class Malformed(Exception):
    """No authorizer may answer this."""


class Judged(StrEnum):
    ALLOWED = "allowed"
    DENIED = "denied"
    EXPLICITLY_DENIED = "explicitly denied"


@dataclass(frozen=True, slots=True)
class Policy:
    """A readable answer. `context` holds text alone, as it is handed on."""

    principal: str
    statements: tuple[Mapping[str, Any], ...]
    context: Mapping[str, str] = field(default_factory=dict)
    usage_key: str | None = None


def read(answer: object) -> Policy:
    """Raises Malformed."""
    if not isinstance(answer, Mapping):
        raise Malformed("the answer is no object")
    principal, document = answer.get("principalId"), answer.get("policyDocument")
    if not isinstance(principal, str) or not principal:
        raise Malformed("principalId is missing")
    if not isinstance(document, Mapping):
        raise Malformed("policyDocument is missing")
    statements = tuple(_statement(one) for one in _listed(document.get("Statement")))
    if not statements:
        raise Malformed("the policy has no statement")
    key = answer.get("usageIdentifierKey")
    if key is not None and not isinstance(key, str):
        raise Malformed("usageIdentifierKey is no text")
    return Policy(principal, statements, context(answer.get("context")), key)


def context(told: object) -> dict[str, str]:
    """Text, numbers and booleans alone; they come out as text. Raises Malformed."""
    if told is None:
        return {}
    if not isinstance(told, Mapping):
        raise Malformed("the context is no object")
    for name, value in told.items():
        if not isinstance(value, str | int | float | bool):
            raise Malformed(f"the context's {name} is neither text, number nor boolean")
    return {str(name): str(value).lower() if isinstance(value, bool) else str(value) for name, value in told.items()}


def judge(policy: Policy, method_arn: str) -> Judged:
    effects = {one["Effect"] for one in policy.statements if _covers(one, method_arn)}
    if "Deny" in effects:
        return Judged.EXPLICITLY_DENIED
    return Judged.ALLOWED if "Allow" in effects else Judged.DENIED


def _statement(one: object) -> Mapping[str, Any]:
    if not isinstance(one, Mapping):
        raise Malformed("a statement is no object")
    if one.keys() - _MEMBERS or one.get("Effect") not in _EFFECTS:
        raise Malformed(f"a statement cannot be read: {sorted(one)}")
    for name in ("Action", "Resource"):
        if not _listed(one.get(name)) or not all(isinstance(text, str) for text in _listed(one[name])):
            raise Malformed(f"a statement's {name} is no text")
    return one


def _covers(statement: Mapping[str, Any], method_arn: str) -> bool:
    acts = any(fnmatchcase(_INVOKE.lower(), _literal(text).lower()) for text in _listed(statement["Action"]))
    return acts and any(fnmatchcase(method_arn, _literal(text)) for text in _listed(statement["Resource"]))


def _literal(pattern: str) -> str:
    """IAM knows * and ? alone; a bracket means itself."""
    return pattern.replace("[", "[[]")


def _listed(value: object) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]
