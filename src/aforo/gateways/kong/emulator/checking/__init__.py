"""From what a client sent to what Kong would store: shorthands, defaults, and everything that may be wrong with it.

`shorthands` rewrites deprecated and convenient fields into those that are kept, `filling` adds what was left out,
`values` looks at single fields, `rules` at rules between fields, `code` at what Kong checks in Lua and no schema shows.
"""

from .code import field_code, route_violations
from .filling import Draw, filled
from .rules import merge
from .shorthands import expanded, from_url, with_twins
from .values import UUID, violations

__all__ = [
    "UUID",
    "Draw",
    "expanded",
    "field_code",
    "filled",
    "from_url",
    "merge",
    "route_violations",
    "violations",
    "with_twins",
]
