"""A command's failure: a problem as in RFC 9457, whether the API or this program found it, and an exit code."""

from typing import Any

from aforo.app.cli.exits import Exit, exit_for

Problem = dict[str, Any]


class Failure(Exception):
    """Ends a command. `next_step` is something to type or do; `unharmed` says what certainly did not happen."""

    def __init__(self, problem: Problem, code: Exit, *, next_step: str | None = None, unharmed: str = "") -> None:
        super().__init__(problem.get("detail", ""))
        self.problem = problem
        self.exit = code
        self.next_step = next_step
        self.unharmed = unharmed


def failure(
    code: str, exit_code: Exit, title: str, detail: str, *, next_step: str | None = None, unharmed: str = ""
) -> Failure:
    """A failure that this program found by itself."""
    problem: Problem = {"type": f"urn:aforo:problem:{code}", "title": title, "detail": detail, "code": code}
    if next_step:
        problem["nextStep"] = next_step
    return Failure(problem, exit_code, next_step=next_step, unharmed=unharmed)


def from_api(problem: Problem, *, reads: bool) -> Failure:
    """A failure that the API answered with. `reads`: the call could not have changed anything."""
    detail = str(problem.get("detail", ""))
    refused = 400 <= int(problem.get("status") or 500) < 500
    says_so = "Nothing was" in detail or "Nothing is known" in detail
    unharmed = "Nothing was changed." if (reads or refused) and not says_so else ""
    return Failure(problem, exit_for(problem), next_step=_NEXT.get(str(problem.get("code"))), unharmed=unharmed)


_NEXT = {
    "unauthenticated": "aforo login",
    "key_revoked": "aforo login, with a key that is still good",
    "missing_scope": "aforo whoami shows your key's scopes; an administrator makes another with aforo admin create-key",
    "plan_stale": "Look again with aforo products preview or drift, then decide.",
    "restore_incomplete": "The same aforo products restore again goes on with what is left.",
    "breaker_open": "aforo integrations breaker NAME shows when it is tried again; --reset tries at once.",
    "settings_missing": "aforo integrations set NAME --set FIELD=VALUE",
    "integration_in_use": "aforo integrations remove NAME --orphan forgets the products too.",
    "gateway_auth_failed": "aforo integrations set NAME --set FIELD=@FILE gives the new credential.",
    "gateway_unreachable": "aforo integrations test NAME shows how far a call comes.",
    "gateway_tls_failed": "aforo integrations test NAME shows how far a call comes.",
    "nothing_to_restore": "aforo products drift PRODUCT shows what others added; restore --remove PATH takes it away.",
    "unknown_gateway": "aforo integrations gateways lists them with their sign-ins.",
}
