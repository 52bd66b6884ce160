"""Who may assume a role, and what a role may do: IAM's rules as far as this emulator needs them. Pure.

Left out: resource policies, permission boundaries, session policies, conditions on permissions (they count as unmet).
Source: IAM's user guide on policy evaluation and on the ExternalId condition.
"""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

Policy = Mapping[str, Any]


def trusts(policy: Policy, principal_arn: str, external_id: str | None) -> bool:
    """Whether the trust policy lets this principal assume the role with this ExternalId (None: none was given)."""
    applying = [
        statement
        for statement in _statements(policy)
        if _acts(statement, "sts:AssumeRole")
        and _names(statement.get("Principal", {}), principal_arn)
        and _meets(statement.get("Condition", {}), external_id)
    ]
    return _allowed(applying)


def permits(policies: Iterable[Policy], action: str, resource: str | None) -> bool:
    """Whether the policies allow the action on the resource; with no resource, on any resource at all."""
    applying = [
        statement
        for policy in policies
        for statement in _statements(policy)
        if _acts(statement, action) and _covers(statement, resource) and not statement.get("Condition")
    ]
    return _allowed(applying)


def _statements(policy: Policy) -> list[Mapping[str, Any]]:
    return _listed(policy.get("Statement", []))


def _allowed(applying: list[Mapping[str, Any]]) -> bool:
    effects = {statement.get("Effect") for statement in applying}
    return "Allow" in effects and "Deny" not in effects


def _acts(statement: Mapping[str, Any], action: str) -> bool:
    return any(fnmatchcase(action.lower(), pattern.lower()) for pattern in _listed(statement.get("Action", [])))


def _covers(statement: Mapping[str, Any], resource: str | None) -> bool:
    patterns = _listed(statement.get("Resource", []))
    return bool(patterns) if resource is None else any(fnmatchcase(resource, _literal(p)) for p in patterns)


def _literal(pattern: str) -> str:
    """IAM knows * and ? alone; a bracket means itself."""
    return pattern.replace("[", "[[]")


def _names(principal: str | Mapping[str, Any], arn: str) -> bool:
    if principal == "*":
        return True
    account = arn.split(":")[4]
    accepted = {"*", arn, account, f"arn:aws:iam::{account}:root"}
    return isinstance(principal, Mapping) and not accepted.isdisjoint(_listed(principal.get("AWS", [])))


def _meets(conditions: Mapping[str, Mapping[str, Any]], external_id: str | None) -> bool:
    return all(
        _holds(kind, key, _listed(value), external_id)
        for kind, keys in conditions.items()
        for key, value in keys.items()
    )


def _holds(kind: str, key: str, wanted: list[str], external_id: str | None) -> bool:
    if key.lower() != "sts:externalid" or external_id is None:
        return False
    if kind == "StringEquals":
        return external_id in wanted
    return kind == "StringLike" and any(fnmatchcase(external_id, _literal(pattern)) for pattern in wanted)


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]
