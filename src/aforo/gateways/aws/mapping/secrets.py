"""Where secrets may stand in what AWS shows in the clear: stage variables, and fixed values sent to a backend.

AWS marks none of them, so the name decides. One too many does little harm: its change is told, its value is not.
"""

import re
from collections.abc import Mapping
from typing import Final

from aforo.kit.jsontree import Json, leaves

_NAMES_A_SECRET: Final = re.compile(
    r"secret|passw|token|api[-_.]?key|auth|credential|private[-_.]?key|signature", re.IGNORECASE
)
_PLACES: Final = re.compile(r"/(variables|stageVariables|stageVariableOverrides|requestParameters)/([^/]+)$")
_TAKEN_FROM_THE_CALL: Final = re.compile(r"(method\.request|context|stageVariables)\.|\$")


def secret_places(fields: Mapping[str, Json]) -> frozenset[str]:
    """Pointers of the values that are likely secret. What is taken from the call or from a variable is none."""
    return frozenset(
        pointer
        for pointer, value in leaves(fields)
        if isinstance(value, str)
        and (found := _PLACES.search(pointer))
        and _NAMES_A_SECRET.search(found[2])
        and not _TAKEN_FROM_THE_CALL.match(value)
    )
