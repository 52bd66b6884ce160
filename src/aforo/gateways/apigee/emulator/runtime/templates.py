"""Message templates: `{variable}` and some of the documented functions, in texts of policies."""

import base64
import hashlib
import json
import re
import uuid
from collections.abc import Callable
from typing import Final

from .faults import Fault
from .messages import Variables, text

_HOLE: Final = re.compile(r"\{\s*(?:(?P<function>[A-Za-z]\w*)\((?P<of>[^(){}]*)\)|(?P<name>[A-Za-z_][\w.\-]*))\s*\}")
_FUNCTIONS: Final[dict[str, Callable[[str], str]]] = {
    "sha256Hex": lambda value: hashlib.sha256(value.encode()).hexdigest(),
    "toLowerCase": str.lower,
    "toUpperCase": str.upper,
    "escapeJSON": lambda value: json.dumps(value)[1:-1],
    "encodeBase64": lambda value: base64.b64encode(value.encode()).decode(),
    "createUuid": lambda _: str(uuid.uuid4()),
}


def fill(template: str, flow: Variables, *, ignore_unresolved: bool = False) -> str:
    """Raises the fault for a variable that is not set, unless those are ignored. Other braces stay as they are."""

    def value(found: re.Match[str]) -> str:
        function = found["function"]
        if function is not None:
            if function not in _FUNCTIONS:
                raise Fault("steps.assignmessage.UnresolvedVariable", f"Unknown template function {function}")
            return _FUNCTIONS[function](text(flow.get(found["of"].strip())))
        known = flow.get(found["name"])
        if known is None and not ignore_unresolved:
            raise Fault("steps.assignmessage.UnresolvedVariable", f"Unable to resolve variable {found['name']}")
        return text(known)

    return _HOLE.sub(value, template)
