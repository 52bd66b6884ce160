"""What Aforo writes at Anypoint to know its own again: names and descriptions, since neither an application nor a tier
can carry a tag; a spelling in policies, which have none of these. Pure.

An application's description also lists the instances with which it may have contracts: Anypoint does not tell a
connected app the contracts of an application, only those of an instance.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

Row = Mapping[str, Any]

KEY_TYPE: Final = "client_id"
MONETIZED: Final = "aforo-monetized"
_PREFIX: Final = "aforo-"
LOOKS_FOR: Final = {
    "clientIdExpression": "#[attributes.headers[ 'client_id' ]]",
    "clientSecretExpression": "#[attributes.headers[ 'client_secret' ]]",
}
"""Where a policy of Aforo's looks for credentials. The spaces mean nothing to DataWeave, and nobody else writes them: a
policy has neither name, tag nor description to carry a mark."""
_APPLICATION: Final = re.compile(
    r"aforo-subscription:(?P<subscription>\S+) aforo-credential:(?P<credential>\S+)(?: aforo-apis:(?P<apis>[\d,]*))?"
)
_PLAN: Final = re.compile(r"aforo-plan:(\S+)")


def application_prefix(subscription_id: str) -> str:
    """What the names of all applications of a subscription begin with."""
    return f"{_PREFIX}{subscription_id}-"


def application_name(subscription_id: str, credential_id: str) -> str:
    """Unique in the organization, as Anypoint demands, and the same at every attempt."""
    return application_prefix(subscription_id) + credential_id


def application_description(subscription_id: str, credential_id: str, apis: Iterable[str]) -> str:
    """Words for people, then the mark."""
    listed = ",".join(sorted({*apis}))
    mark = f"aforo-subscription:{subscription_id} aforo-credential:{credential_id} aforo-apis:{listed}"
    return f"Made and kept by Aforo; edit it there. {mark}"


def subscription_of(application: Row) -> str | None:
    """The subscription that the application's mark names; None for what is not ours."""
    return _application(application, "subscription")


def credential_of(application: Row) -> str | None:
    return _application(application, "credential")


def apis_of(application: Row) -> frozenset[str]:
    """The instances with which an application of ours may have contracts."""
    return frozenset(one for one in (_application(application, "apis") or "").split(",") if one)


def tier_name(plan: str) -> str:
    return _PREFIX + plan


def tier_description(plan: str) -> str:
    return f"Made and kept by Aforo; edit the plan there. aforo-plan:{plan}"


def plan_of(tier: Row) -> str | None:
    """The key of the plan that a tier's mark names; None for what is not ours."""
    found = _PLAN.search(str(tier.get("description") or ""))
    return found[1] if found else None


def is_policy_of_ours(policy: Row) -> bool:
    """Whether Aforo applied it. `fullInfo` and the plain list name its configuration differently."""
    configuration = policy.get("configurationData") or policy.get("configuration")
    return isinstance(configuration, Mapping) and LOOKS_FOR.items() <= configuration.items()


def _application(application: Row, what: str) -> str | None:
    found = _APPLICATION.search(str(application.get("description") or ""))
    return found[what] if found else None
