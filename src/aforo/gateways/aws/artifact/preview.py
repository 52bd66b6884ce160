"""What deploying and attaching would do, in words; and the template for those who deploy by CloudFormation."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aforo.gateway_sdk.artifact import PlannedStep, Rollout, Wiring
from aforo.gateways.aws.artifact.attaching import status_of_refusals
from aforo.gateways.aws.artifact.names import Names, version
from aforo.gateways.aws.artifact.places import Api
from aforo.gateways.aws.artifact.stack import stack

_NAMED: Final = 8
_NO_LOG_ROLE: Final = (
    "Set the CloudWatch log role of API Gateway in this region (Settings in its console, or UpdateAccount with "
    "/cloudwatchRoleArn): without one, AWS lets no stage of a REST API write an access log"
)


@dataclass(frozen=True, slots=True)
class Facts:
    """What stands in the account: the functions' settings, and whether REST APIs may write access logs."""

    authorizer: Mapping[str, Any] | None
    forwarder: Mapping[str, Any] | None
    may_log: bool


def rollout(names: Names, wiring: Wiring, apis: Sequence[Api], facts: Facts, refused_status: str) -> Rollout:
    steps = [
        _function(names.authorizer, facts.authorizer),
        _function(names.forwarder, facts.forwarder),
        PlannedStep("create" if facts.forwarder is None else "keep", f"log group {names.log_group}, kept 7 days"),
        PlannedStep("create" if facts.forwarder is None else "keep", f"queue {names.queue} for undelivered calls"),
        *(step for api in apis for step in _api(api, refused_status)),
    ]
    if not facts.may_log and any(api.flavour == "rest" for api in apis):
        steps.insert(0, PlannedStep("by_hand", _NO_LOG_ROLE))
    hits = tuple(stage.product.ref for api in apis for stage in api.open_stages)
    return Rollout(version(), tuple(steps), hits, (stack(wiring.ingest_url.removesuffix("/v1/ingest")),), _notes(apis))


def _function(name: str, told: Mapping[str, Any] | None) -> PlannedStep:
    if told is None:
        return PlannedStep("create", f"function {name}")
    there = str(told.get("Description", ""))
    return PlannedStep("keep" if there == version() else "update", f"function {name}", f"version {there} is there")


def _api(api: Api, refused_status: str) -> Iterator[PlannedStep]:
    for stage in api.stages:
        if stage.left_out:
            yield PlannedStep("by_hand", f"{stage.product.ref} is left out", f"{stage.left_out}.")
    if not api.open_stages:
        return
    refs = ", ".join(stage.product.ref for stage in api.open_stages)
    taken = [door.word for door in api.doors if not door.keep and not door.is_ours]
    if taken:
        danger = f"Every call of {refs} then waits for the authorizer: some milliseconds, more at a cold start."
        yield PlannedStep("update", f"{api.name}: {len(taken)} methods ask Aforo's authorizer", _few(taken), danger)
    if any(door.is_ours for door in api.doors):
        ours = [door.word for door in api.doors if door.is_ours]
        yield PlannedStep("keep", f"{api.name}: {len(ours)} methods that ask it already", _few(ours))
    reasons = sorted({door.keep for door in api.doors if door.keep})
    for reason in reasons:
        words = [door.word for door in api.doors if door.keep == reason]
        yield PlannedStep("keep", f"{api.name}: {_few(words)}", f"not taken: {reason}")
    if api.flavour == "rest":
        yield _refusal(api, refused_status)
    for stage in api.open_stages:
        if stage.log and not stage.has_our_log:
            what = f"access log of {stage.product.ref}"
            yield PlannedStep(
                "update", what, "put back when detached", f"{stage.log.get('destinationArn')} gets no more"
            )
        elif not stage.log:
            yield PlannedStep("create", f"access log of {stage.product.ref}")
        if not stage.deploys_by_itself:
            yield PlannedStep("create", f"deployment to {stage.product.ref}")


def _refusal(api: Api, refused_status: str) -> PlannedStep:
    what = f"{api.name}: what refused callers hear"
    if status := status_of_refusals(api, refused_status):
        danger = f"So do those of {', '.join(api.others)}." if api.others else ""
        return PlannedStep("update", what, f"{status} with the reason and Retry-After, for every refusal", danger)
    if refused_status == "403":
        return PlannedStep("keep", what, "403, as API Gateway says it")
    whose = (
        "somebody has worded it"
        if api.refuses_by == "others"
        else (f"{', '.join(api.others)} would share it; the option refused_status = 429 does it all the same")
    )
    return PlannedStep("keep", what, f"403 or what stands there, since {whose}")


def _notes(apis: Sequence[Api]) -> tuple[str, ...]:
    notes = ["The functions stay when they are detached; deleting the two functions ends them."]
    if any(api.flavour == "http" for api in apis):
        notes.append("HTTP APIs answer every refusal with 403 Forbidden: AWS lets nobody word it otherwise.")
    several = [api.name for api in apis if len(api.stages) > 1]
    if several:
        notes.append(f"The stages of {', '.join(several)} share their methods: their authorizer is set once.")
    return tuple(notes)


def _few(words: Sequence[str]) -> str:
    return ", ".join(words[:_NAMED]) + (f" and {len(words) - _NAMED} more" if len(words) > _NAMED else "")
