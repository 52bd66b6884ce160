"""What is deployed of shared flows, read once for each revision."""

import base64
from collections.abc import Callable

from .runtime.bundle import BadBundle, Bundle, read
from .store import Store


class DeployedBundles:
    """`refuse` raises BadBundle for a bundle that could be read, but not executed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.refuse: Callable[[Bundle], None] = lambda _: None
        self._read: dict[tuple[str, str, str], Bundle | BadBundle] = {}

    def find(self, environment: str, name: str) -> Bundle | None:
        """None where the shared flow is not deployed, or could not be."""
        row = self._store.get("flow-deployments", f"{environment}/{name}")
        found = self._of(name, row["revision"]) if row else None
        return found if isinstance(found, Bundle) else None

    def fault(self, name: str, revision: str) -> str | None:
        """Why a revision cannot be deployed, in words."""
        found = self._of(name, revision)
        return str(found) if isinstance(found, BadBundle) else None

    def _of(self, name: str, revision: str) -> Bundle | BadBundle:
        row = (self._store.get("flows", name) or {}).get("revisions", {}).get(revision)
        if row is None:
            return BadBundle("There is no such revision.")
        key = (name, revision, row["createdAt"])
        if key not in self._read:
            self._read[key] = self._judged(base64.b64decode(row["bundle"]))
        return self._read[key]

    def _judged(self, raw: bytes) -> Bundle | BadBundle:
        try:
            bundle = read(raw)
            self.refuse(bundle)
        except BadBundle as fault:
            return fault
        return bundle
