"""The console's navigation. What is not built yet, or may not be read, is left out rather than shown dead."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    label: str
    href: str
    icon: str


@dataclass(frozen=True, slots=True)
class Group:
    """`label` is empty for the group without a heading; `foot` stands at the bottom of the sidebar."""

    label: str
    entries: tuple[Entry, ...]
    foot: bool = False


@dataclass(frozen=True, slots=True)
class Count:
    """How many things in an entry need a person; `tone` is a colour family and `words` says what they are."""

    number: int
    words: str
    tone: str = ""


Counts = Mapping[str, Count]

NAVIGATION = (
    Group("", (Entry("Overview", "/", "overview"),)),
    Group(
        "Governance",
        (
            Entry("Integrations", "/integrations", "plug"),
            Entry("Products", "/products", "box"),
            Entry("Schedules", "/schedules", "clock"),
        ),
    ),
    Group(
        "Sell",
        (
            Entry("Plans", "/plans", "tag"),
            Entry("Customers", "/customers", "people"),
            Entry("Subscriptions", "/subscriptions", "loop"),
            Entry("Credentials", "/credentials", "key"),
        ),
    ),
    Group(
        "Money",
        (
            Entry("Margin", "/margin", "scales"),
            Entry("Costs", "/costs", "receipt"),
            Entry("Usage", "/usage", "columns-chart"),
            Entry("Statements", "/statements", "document"),
        ),
    ),
    Group(
        "Watch",
        (
            Entry("Events", "/events", "stream"),
            Entry("Dead letters", "/dead-letters", "tray"),
            Entry("Alerts", "/alerts", "bell"),
        ),
    ),
    Group("", (Entry("Audit", "/audit", "shield"), Entry("Settings", "/settings", "sliders")), foot=True),
)


def navigation(built: Collection[str]) -> tuple[Group, ...]:
    """The groups with only those entries whose address is in `built`; empty groups fall away."""
    kept = (Group(group.label, tuple(e for e in group.entries if e.href in built), group.foot) for group in NAVIGATION)
    return tuple(group for group in kept if group.entries)


def current(entry: Entry, path: str) -> bool:
    """Whether a page's path belongs to this entry: `/products/prod_1` belongs to Products."""
    return path == entry.href or (entry.href != "/" and path.startswith(f"{entry.href}/"))
