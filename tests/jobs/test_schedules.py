"""Everything due runs, at its time, once at a time; a restart makes no burst and tells what it cut."""

import asyncio
import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aforo.gateway_sdk.errors import BreakerOpen, GatewayUnreachable
from aforo.jobs import Outcome, Result, Schedule
from aforo.jobs.schedules import rules
from aforo.jobs.schedules.errors import Paused
from aforo.jobs.schedules.model import State
from aforo.jobs.schedules.runner import AT_ONCE, AT_ONCE_EACH
from aforo.kit.clock import HandClock
from aforo.kit.errors import Invalid, NotFound
from tests.jobs.ticking import TENANT, integration, ticking

DAY = 86_400.0
START = datetime(2026, 11, 22, 12, tzinfo=UTC)


async def _until(told: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not told():  # noqa: ASYNC110  what is waited for has no event of its own
            await asyncio.sleep(0.001)


async def test_over_a_day_every_schedule_runs_at_exactly_its_times(tmp_path: Path) -> None:
    async with ticking(tmp_path, integration("a")) as bench:
        bench.kind("health", 600, first_seconds=10)
        bench.kind("drift", 1800, first_seconds=20)
        bench.kind("orphans", 86_400, first_seconds=120)
        await bench.schedules.agree()
        await bench.until(DAY + 90)
        assert bench.seconds_of("health") == [7.5 + 600 * n for n in range(145)]
        assert bench.seconds_of("drift") == [15.0 + 1800 * n for n in range(49)]
        assert bench.seconds_of("orphans") == [90.0, DAY + 90]


async def test_emulated_gateways_have_intervals_of_their_own(tmp_path: Path) -> None:
    async with ticking(tmp_path, integration("a"), integration("b", emulated=True)) as bench:
        bench.kind("drift", 900, emulated_seconds=60, first_seconds=20)
        await bench.schedules.agree()
        await bench.until(900)
        counts = Counter(subject for _, _, subject in bench.runs)
        assert counts == {"int_a": 1, "int_b": 15}


@given(st.floats(0, 1, exclude_max=True), st.integers(60, 90_000), st.floats(0, 0.9))
def test_jitter_keeps_every_interval_within_five_percent(chance: float, every: int, took_share: float) -> None:
    ended = START + timedelta(seconds=every * took_share)
    gap = (rules.next_run(START, ended, every, chance) - START).total_seconds()
    assert every * 0.95 <= gap <= every * 1.05 + 0.001


def test_a_run_longer_than_its_interval_is_followed_by_the_next_and_not_overtaken() -> None:
    ended = START + timedelta(seconds=1000)
    assert rules.next_run(START, ended, 300, 0.5) == ended


async def test_jitter_draws_apart_what_began_together(tmp_path: Path) -> None:
    chances = itertools.cycle([0.0, 0.99, 0.3])
    async with ticking(tmp_path, integration("a"), integration("b"), chance=lambda: next(chances)) as bench:
        bench.kind("health", 300)
        await bench.schedules.agree()
        await bench.until(1800)
        assert len(set(bench.seconds_of("health"))) == len(bench.runs) > 10


async def test_one_schedule_never_runs_twice_at_once_and_whoever_asks_meanwhile_gets_the_run_under_way(
    tmp_path: Path,
) -> None:
    go = asyncio.Event()
    async with ticking(tmp_path, integration("a")) as bench:
        bench.kind("drift", 3600, lambda _: go.wait())
        await bench.schedules.agree()
        one = (await bench.schedules.all(TENANT))[0].schedule
        asked = [asyncio.create_task(bench.schedules.run_now(TENANT, one.id)) for _ in range(3)]
        await _until(lambda: bool(bench.runs))
        bench.clock.forward(600)
        due = asyncio.create_task(bench.schedules.run_due())
        assert (await bench.schedules.get(TENANT, one.id)).state is State.RUNNING
        go.set()
        seen = await asyncio.gather(*asked)
        await due
        assert (len(bench.runs), bench.most_at_once) == (1, 1)
        assert [one.schedule.last.result for one in seen if one.schedule.last] == [Result.DONE] * 3


async def test_few_run_at_a_time_and_no_subject_takes_all_places(tmp_path: Path) -> None:
    go = asyncio.Event()
    async with ticking(tmp_path, *(integration(f"g{n}") for n in range(9))) as bench:
        for key in ("a", "b", "c"):
            bench.kind(key, 3600, lambda _: go.wait())
        await bench.schedules.agree()
        bench.clock.forward(60)
        due = asyncio.create_task(bench.schedules.run_due())
        await _until(lambda: len(bench.runs) == AT_ONCE)
        of_each = [sum(1 for _, _, subject in bench.runs if subject == f"int_g{n}") for n in range(9)]
        assert max(of_each) <= AT_ONCE_EACH
        go.set()
        await due
        assert (bench.most_at_once, len(bench.runs)) == (AT_ONCE, 27)


async def test_after_a_restart_what_is_overdue_is_spread_and_nothing_is_run_twice(tmp_path: Path) -> None:
    clock = HandClock()
    subjects = [integration(f"g{n:02}") for n in range(20)]
    async with ticking(tmp_path, *subjects, clock=clock) as bench:
        bench.kind("health", 300)
        bench.kind("drift", 900)
        await bench.schedules.agree()
        await bench.until(60)
    clock.forward(5 * 3600)
    restarted = (clock.now() - START).total_seconds()
    async with ticking(tmp_path, *subjects, clock=clock) as bench:
        bench.kind("health", 300)
        bench.kind("drift", 900)
        await bench.schedules.recover()
        await bench.schedules.run_due()
        assert bench.runs == []
        await bench.until(100)
        times = sorted([*bench.seconds_of("health"), *bench.seconds_of("drift")])
        gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
        assert times[0] - restarted == 2
        assert (len(times), set(gaps)) == (40, {2.0})
        assert len({(key, subject) for _, key, subject in bench.runs}) == 40


async def test_a_run_that_a_crash_cut_is_told_and_runs_again(tmp_path: Path) -> None:
    clock = HandClock()
    async with ticking(tmp_path, integration("a"), clock=clock) as bench:
        bench.kind("drift", 900, lambda _: asyncio.Event().wait(), first_seconds=10)
        await bench.schedules.agree()
        clock.forward(10)
        running = asyncio.create_task(bench.schedules.run_due())
        await _until(lambda: bool(bench.runs))
        running.cancel()
        await bench.schedules.stop()
    async with ticking(tmp_path, integration("a"), clock=clock) as bench:
        bench.kind("drift", 900)
        await bench.schedules.recover()
        seen = (await bench.schedules.all(TENANT))[0]
        last = seen.schedule.last
        assert last is not None
        assert last.error is not None
        assert (seen.state, last.result, last.error["code"]) == (State.WAITING, Result.INTERRUPTED, "interrupted")
        await bench.until(10)
        assert bench.seconds_of("drift") == [12.0]
        last = (await bench.schedules.all(TENANT))[0].schedule.last
        assert last is not None
        assert (last.result, last.error) == (Result.DONE, None)


async def test_a_clock_that_was_set_back_stops_nothing(tmp_path: Path) -> None:
    clock = HandClock(START + timedelta(days=400))
    async with ticking(tmp_path, integration("a"), clock=clock) as bench:
        bench.kind("health", 300)
        await bench.schedules.agree()
    async with ticking(tmp_path, integration("a")) as bench:
        bench.kind("health", 300)
        await bench.schedules.recover()
        await bench.until(316)
        assert len(bench.runs) == 1


async def test_schedules_come_and_go_with_their_subjects(tmp_path: Path) -> None:
    async with ticking(tmp_path, integration("a")) as bench:
        bench.kind("health", 300)
        await bench.schedules.agree()
        first = [one.schedule for one in await bench.schedules.all(TENANT)]
        bench.subjects.append(integration("b"))
        await bench.schedules.agree()
        both = [one.schedule for one in await bench.schedules.all(TENANT)]
        assert [one.subject_id for one in both] == ["int_a", "int_b"]
        assert both[:1] == first
        del bench.subjects[0]
        await bench.schedules.agree()
        assert [one.schedule for one in await bench.schedules.all(TENANT)] == both[1:]
        with pytest.raises(NotFound):
            await bench.schedules.get(TENANT, first[0].id)


async def test_a_subject_that_goes_while_it_is_worked_on_leaves_nothing_behind(tmp_path: Path) -> None:
    async with ticking(tmp_path, integration("a")) as bench:

        async def gone(schedule: Schedule) -> None:
            del schedule
            bench.subjects.clear()
            await bench.schedules.agree()

        bench.kind("drift", 900, gone)
        await bench.schedules.agree()
        await bench.until(100)
        assert len(bench.runs) == 1
        assert await bench.store.all() == []


async def test_nothing_runs_in_a_pause_and_all_goes_on_after_it(tmp_path: Path) -> None:
    async with ticking(tmp_path, integration("a"), integration("b")) as bench:
        bench.kind("health", 300, first_seconds=10, probes=True)
        bench.kind("drift", 900, first_seconds=10)
        await bench.schedules.agree()
        until = bench.clock.now() + timedelta(seconds=4000)
        bench.subjects[0] = replace(bench.subjects[0], paused_until=until)
        paused = (await bench.schedules.all(TENANT, subject_id="int_a"))[0]
        assert paused.state is State.PAUSED
        with pytest.raises(Paused):
            await bench.schedules.run_now(TENANT, paused.schedule.id)
        await bench.until(3999)
        assert {subject for _, _, subject in bench.runs} == {"int_b"}
        await bench.until(40)
        assert sorted(key for _, key, subject in bench.runs if subject == "int_a") == ["drift", "health"]


async def test_the_end_of_a_pause_catches_up_what_was_put_off(tmp_path: Path) -> None:
    async with ticking(tmp_path, integration("a")) as bench:
        bench.kind("health", 300, first_seconds=10)
        bench.kind("orphans", 86_400, first_seconds=10)
        await bench.schedules.agree()
        await bench.until(10)
        paused = replace(bench.subjects[0], paused_until=bench.clock.now() + timedelta(days=3))
        bench.subjects[0] = paused
        await bench.until(1200)
        bench.subjects[0] = replace(paused, paused_until=None)
        await bench.schedules.wake("int_a")
        await bench.until(5)
        assert (len(bench.seconds_of("health")), len(bench.seconds_of("orphans"))) == (2, 1)


async def test_while_the_breaker_is_open_only_the_probe_runs_and_at_its_moment(tmp_path: Path) -> None:
    async with ticking(tmp_path, integration("a")) as bench:
        bench.kind("health", 300, first_seconds=10, probes=True)
        bench.kind("drift", 60, first_seconds=10)
        await bench.schedules.agree()
        probe_at = bench.clock.now() + timedelta(seconds=200)
        bench.subjects[0] = replace(bench.subjects[0], calls_pass=False, probe_at=probe_at)
        assert {one.state for one in await bench.schedules.all(TENANT)} == {State.HELD}
        await bench.until(199)
        assert bench.runs == []
        await bench.until(2)
        assert [(at, key) for at, key, _ in bench.runs] == [(probe_at, "health")]
        bench.subjects[0] = replace(bench.subjects[0], calls_pass=True, probe_at=None)
        await bench.until(30)
        assert bench.seconds_of("drift") == [215.0]


async def test_a_failure_is_told_with_its_code_and_is_tried_again_within_a_quarter_of_an_hour(tmp_path: Path) -> None:
    def down(schedule: Schedule) -> None:
        raise GatewayUnreachable(f"{schedule.subject_id} is down.", next_step="Wait.")

    async with ticking(tmp_path, integration("a")) as bench:
        bench.kind("orphans", 86_400, down, first_seconds=10)
        await bench.schedules.agree()
        await bench.until(10)
        last = (await bench.schedules.all(TENANT))[0].schedule.last
        assert last is not None
        assert last.error is not None
        assert (last.result, last.words, last.error["code"]) == (
            Result.FAILED,
            "int_a is down.",
            "gateway_unreachable",
        )
        await bench.until(1800)
        assert bench.seconds_of("orphans") == [7.5, 907.5, 1807.5]


async def test_a_fault_of_our_own_ends_one_run_and_shows_none_of_its_words(tmp_path: Path) -> None:
    def broken(schedule: Schedule) -> None:
        if schedule.subject_id == "int_a":
            raise ZeroDivisionError("planted-secret")

    async with ticking(tmp_path, integration("a"), integration("b")) as bench:
        bench.kind("drift", 900, broken)
        await bench.schedules.agree()
        await bench.until(100)
        results = {one.subject.name: one.schedule.last for one in await bench.schedules.all(TENANT)}
        assert results["a"] is not None
        assert results["b"] is not None
        assert (results["a"].result, results["b"].result) == (Result.FAILED, Result.DONE)
        assert "planted-secret" not in str(results["a"])


async def test_a_call_that_was_held_back_is_no_failure_and_waits_until_calls_pass(tmp_path: Path) -> None:
    def held(schedule: Schedule) -> None:
        del schedule
        raise BreakerOpen("Held.", retry_after_seconds=250)

    async with ticking(tmp_path, integration("a")) as bench:
        bench.kind("drift", 60, held, first_seconds=20)
        await bench.schedules.agree()
        await bench.until(265)
        seen = (await bench.schedules.all(TENANT))[0].schedule
        assert seen.last is not None
        assert seen.last.result is Result.HELD
        assert seen.next_at == bench.clock.now() + timedelta(seconds=15)


async def test_work_may_name_its_next_run(tmp_path: Path) -> None:
    async with ticking(tmp_path, integration("a")) as bench:
        bench.kind("tokens", 1800, lambda _: Outcome("ok", next_at=bench.clock.now() + timedelta(seconds=77)))
        await bench.schedules.agree()
        await bench.until(45 + 78)
        assert bench.seconds_of("tokens") == [45.0, 122.0]


async def test_an_interval_that_was_set_outlives_a_restart_and_goes_back_to_the_default(tmp_path: Path) -> None:
    async with ticking(tmp_path, integration("a")) as bench:
        bench.kind("drift", 900, least_seconds=60)
        await bench.schedules.agree()
        one = (await bench.schedules.all(TENANT))[0].schedule.id
        await bench.schedules.set(TENANT, one, every_seconds=120)
        with pytest.raises(Invalid, match="every 59 s"):
            await bench.schedules.set(TENANT, one, every_seconds=59)
    async with ticking(tmp_path, integration("a")) as bench:
        bench.kind("drift", 900)
        await bench.schedules.recover()
        await bench.until(601)
        assert bench.seconds_of("drift") == [120.0, 240.0, 360.0, 480.0, 600.0]
        back = await bench.schedules.set(TENANT, one, every_seconds=0)
        assert (back.every_seconds, back.schedule.own_seconds) == (900, None)


async def test_what_is_switched_off_does_not_run_unless_asked(tmp_path: Path) -> None:
    async with ticking(tmp_path, integration("a")) as bench:
        bench.kind("drift", 900)
        await bench.schedules.agree()
        one = (await bench.schedules.all(TENANT))[0].schedule.id
        assert (await bench.schedules.set(TENANT, one, enabled=False)).state is State.OFF
        await bench.until(5000)
        assert bench.runs == []
        ran = await bench.schedules.run_now(TENANT, one)
        assert ran.schedule.last is not None
        assert (ran.schedule.last.result, ran.state) == (Result.DONE, State.OFF)
        await bench.schedules.set(TENANT, one, enabled=True)
        await bench.until(901)
        assert len(bench.runs) == 2
