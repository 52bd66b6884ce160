"""Benchmarks as a table for people."""

from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table


def figures(told: dict[str, Any]) -> RenderableType:
    """One line a figure: what was measured, the reference of the same run, their ratio, and the bar."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("Figure", "Value", "Reference", "Ratio", "Bar", ""):
        table.add_column(name, justify="right" if name in ("Value", "Ratio") else "left", overflow="fold")
    for figure in told["figures"]:
        table.add_row(
            figure["name"],
            f"{_short(figure['value'])} {figure['unit']}",
            f"{figure['reference']}: {_short(figure['reference_value'])}",
            f"{figure['ratio']:.2f}",
            figure["bar"],
            "holds" if figure["holds"] else "missed",
        )
    machine = told["machine"]
    return Group(table, f"\n{machine['cores']} cores, {machine['processor']}, Python {machine['python']}")


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
