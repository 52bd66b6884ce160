"""The stylesheet's colours, measured: every ratio is recomputed from the tokens as they are served."""

import re
from collections.abc import Iterable

import pytest

from aforo.app.web.assets import Assets

CSS = Assets().body("aforo.css").decode()
TOKENS = {
    name: pair for name, *pair in re.findall(r"--([a-z0-9-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)", CSS)
}
GROUNDS = ("canvas", "surface", "sunken", "raised", "hover", "selected")
FAMILIES = ("accent", "ok", "warn", "bad", "drift")
SCHEMES = pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
# What the design measured, light and dark, cut to one decimal: the least over the grounds and a family's own tint.
MEASURED = {
    "text": (14.4, 11.7),
    "muted": (6.1, 6.0),
    "control": (3.2, 3.0),
    "accent-fg": (6.0, 7.7),
    "ok-fg": (5.9, 7.8),
    "warn-fg": (6.3, 7.5),
    "bad-fg": (6.8, 7.2),
    "drift-fg": (6.7, 7.2),
    "accent-edge": (3.5, 3.7),
    "ok-edge": (3.4, 3.7),
    "warn-edge": (3.7, 3.5),
    "bad-edge": (4.0, 3.3),
    "drift-edge": (3.9, 3.3),
}
ON_SOLID = {"accent": (5.8, 7.8), "ok": (5.6, 8.0), "warn": (6.1, 7.5), "bad": (6.6, 7.1), "drift": (6.5, 7.2)}


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def cut(ratio: float) -> float:
    return int((ratio + 0.005) * 10) / 10


def worst(name: str, grounds: Iterable[str], scheme: int) -> float:
    return min(contrast(TOKENS[name][scheme], TOKENS[ground][scheme]) for ground in grounds)


def grounds_of(name: str) -> tuple[str, ...]:
    family = name.partition("-")[0]
    if family in FAMILIES:
        return (*GROUNDS, f"{family}-bg")
    return (*GROUNDS, *(f"{one}-bg" for one in FAMILIES)) if name == "muted" else GROUNDS


@SCHEMES
@pytest.mark.parametrize("name", MEASURED)
def test_a_colour_is_as_legible_at_its_worst_as_the_design_measured(name: str, scheme: int) -> None:
    assert cut(worst(name, grounds_of(name), scheme)) == MEASURED[name][scheme]


@SCHEMES
def test_all_text_passes_4_5_to_1_and_all_graphics_3_to_1(scheme: int) -> None:
    for name in ("text", "muted", *(f"{family}-fg" for family in FAMILIES)):
        assert worst(name, grounds_of(name), scheme) >= 4.5, name
    for name in ("control", *(f"{family}-edge" for family in FAMILIES)):
        assert round(worst(name, grounds_of(name), scheme), 1) >= 3.0, name


@SCHEMES
@pytest.mark.parametrize("family", FAMILIES)
def test_words_on_a_solid_button_are_legible(family: str, scheme: int) -> None:
    ratio = worst("on", [f"{family}-solid"], scheme)
    assert cut(ratio) == ON_SOLID[family][scheme]
    assert ratio >= 4.5


@SCHEMES
def test_a_solid_button_stays_legible_under_the_pointer(scheme: int) -> None:
    assert worst("on", ["accent-solid-hover"], scheme) >= 4.5


@SCHEMES
@pytest.mark.parametrize(("word", "measured"), [("word-added", (12.8, 8.3)), ("word-removed", (11.8, 8.6))])
def test_changed_words_in_a_diff_are_legible(word: str, measured: tuple[float, float], scheme: int) -> None:
    assert cut(worst("text", [word], scheme)) == measured[scheme]


@SCHEMES
def test_chart_series_stand_out_from_their_card(scheme: int) -> None:
    assert min(worst(f"series-{n}", ["surface"], scheme) for n in range(1, 6)) >= 3.1


def test_no_part_brings_a_colour_of_its_own() -> None:
    after_tokens = CSS.split("@layer base {", 1)[1]
    own = re.findall(r"#[0-9a-fA-F]{3,8}\b(?=[^{}]*;)", after_tokens)
    assert own == []


def test_violet_is_used_for_drift_only() -> None:
    outside = CSS.split("@layer base {", 1)[1]
    assert "--drift" not in outside
