"""Pages do not wait for sums that take long: they say so, and come again."""

import threading
from pathlib import Path

import pytest

from aforo.app.live.sources import USAGE, sources
from aforo.enforcement.earnings import figures
from tests.console.visiting import visiting
from tests.enforcement.test_earnings import till

SUMMING = "being summed up"


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """No count ends before this is set."""
    may_end, made = threading.Event(), figures._made

    def slowly(*told: object) -> figures.Figures:
        assert may_end.wait(30)
        return made(*told)  # type: ignore[arg-type]

    monkeypatch.setattr(figures, "_made", slowly)
    return may_end


async def test_a_page_says_that_usage_is_summed_up_and_comes_again_until_the_figures_are_there(
    tmp_path: Path, counted: threading.Event
) -> None:
    async with till(tmp_path) as shop:
        await shop.use("acme", 7)
        for path in ("/margin", "/margin?span=today"):
            seen = await shop.me.get(path, until_done=False)
            assert SUMMING in seen.text
            assert seen.headers["refresh"] == "1"
        counted.set()
        await shop.shows(7)
        seen = await shop.me.get("/margin")
        assert SUMMING not in seen.text
        assert "refresh" not in seen.headers


async def test_the_overview_shows_its_figures_without_a_click_once_they_are_counted(
    tmp_path: Path, counted: threading.Event
) -> None:
    async with visiting(tmp_path) as me:
        look = sources(me.running.rooms)[USAGE]
        before = await look(me.running.tenant_id)
        seen = await me.get("/", until_done=False)
        assert SUMMING in seen.text
        assert "refresh" not in seen.headers
        assert await look(me.running.tenant_id) == before
        counted.set()
        await me.running.rooms.margin.earnings.figures(me.running.tenant_id, "7d", 30)
        assert await look(me.running.tenant_id) != before
        assert SUMMING not in (await me.get("/")).text
