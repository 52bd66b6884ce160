"""What a first visit costs in bytes, compressed as the server sends it."""

import gzip
import re

import pytest

from aforo.app.web.assets import Assets
from aforo.app.web.nav import NAVIGATION
from aforo.app.web.states import STATES

ASSETS = Assets()


def weight(name: str) -> int:
    return len(gzip.compress(ASSETS.body(name), compresslevel=6, mtime=0))


@pytest.mark.parametrize(("name", "limit"), [("aforo.css", 25_000), ("aforo.js", 12_000), ("sprite.svg", 10_000)])
def test_a_file_stays_within_its_budget(name: str, limit: int) -> None:
    assert 0 < weight(name) <= limit


def test_a_changed_file_gets_a_new_address() -> None:
    assert re.fullmatch(r"/static/aforo\.[0-9a-f]{12}\.css", ASSETS.path("aforo.css"))
    assert ASSETS.path("aforo.css").split(".")[1] != ASSETS.path("aforo.js").split(".")[1]


def test_the_joined_script_is_one_module_without_imports() -> None:
    script = ASSETS.body("aforo.js").decode()
    assert not re.search(r"^(import|export) ", script, re.MULTILINE)
    declared = re.findall(r"^(?:async )?(?:function|const|let|class) (\w+)", script, re.MULTILINE)
    assert len(declared) == len(set(declared)), "two modules use the same name at their top level"


def test_scripts_never_write_markup_or_style_text() -> None:
    script = ASSETS.body("aforo.js").decode()
    for forbidden in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "cssText", "eval("):
        assert forbidden not in script
    assert 'setAttribute("style"' not in script


def test_every_state_has_a_shape_of_its_own() -> None:
    shapes = [state.icon for state in STATES.values()]
    assert len(shapes) == len(set(shapes))
    assert not set(shapes) & {entry.icon for group in NAVIGATION for entry in group.entries}


def test_every_shape_is_drawn_once() -> None:
    symbols = re.findall(r'<symbol id="([^"]+)"[^>]*>(.*?)</symbol>', ASSETS.body("sprite.svg").decode())
    assert len({drawing for _, drawing in symbols}) == len(symbols) == len({name for name, _ in symbols})
    assert {state.icon for state in STATES.values()} <= {name for name, _ in symbols}
