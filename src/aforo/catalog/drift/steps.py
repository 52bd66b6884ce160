"""The steps of a restore: with their real values, carried out one by one, and how each ended."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from aforo.catalog.errors import RestoreIncomplete
from aforo.catalog.model import StepOutcome, StepResult
from aforo.gateway_sdk.contract import Product, Progress, Step, StepDone
from aforo.gateway_sdk.errors import GatewayError
from aforo.kit.jsontree import Absent, Json, at


class Applies(Protocol):
    """What can carry steps out: a gateway as a whole, or its part that holds plans."""

    async def apply(
        self, recorded: Product, live: Product | None, steps: Sequence[Step], done: StepDone, /
    ) -> None: ...


async def carry_out(
    gateway: Applies, record: Product, live: Product | None, steps: Sequence[Step], progress: Progress
) -> tuple[StepResult, ...]:
    """Apply the steps; RestoreIncomplete tells which stand, which failed and which were not tried."""
    done: list[Step] = []

    def stands(step: Step) -> None:
        done.append(step)
        progress(len(done), len(steps), "steps")

    progress(0, len(steps), "steps")
    try:
        await gateway.apply(record, live, steps, stands)
    except GatewayError as fault:
        results = _results(steps, done, fault.detail)
        stand = sum(result.outcome is StepOutcome.DONE for result in results)
        raise RestoreIncomplete(
            f"{stand} of {len(steps)} steps were applied, then: {fault.detail}",
            results,
            next_step=fault.next_step or "Restore again: it goes on with what is left.",
        ) from fault
    return tuple(StepResult(step.title, StepOutcome.DONE) for step in steps)


def unveiled(step: Step, record: Product, live: Product | None) -> Step:
    """The step with the record's real values, and the live entity as it was read."""
    target = record.entity(step.kind, step.key) if step.target else None
    there = live.entity(step.live.kind, step.live.key) if live and step.live else None
    changed: dict[str, Json | Absent] = {
        pointer: at(target.fields, pointer) if target else value for pointer, value in step.changed.items()
    }
    return replace(step, target=target, live=there, changed=changed)


def _results(steps: Sequence[Step], done: Sequence[Step], fault: str) -> list[StepResult]:
    stand = {id(step) for step in done}
    results, failed = [], False
    for step in steps:
        if id(step) in stand:
            results.append(StepResult(step.title, StepOutcome.DONE))
        elif not failed:
            failed = True
            results.append(StepResult(step.title, StepOutcome.FAILED, fault))
        else:
            results.append(StepResult(step.title, StepOutcome.NOT_TRIED))
    return results
