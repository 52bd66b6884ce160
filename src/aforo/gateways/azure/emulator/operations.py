"""Long-running operations: begun by a call, ended after some polls, asked for at the address that the answer named."""

import secrets
from dataclasses import dataclass
from typing import Final

from aforo.gateways.azure.emulator import openapi
from aforo.gateways.azure.emulator.store import Path, Store
from aforo.gateways.azure.emulator.wire import API_VERSION, Answer, ArmError, Call, Record, missing

LOCATION: Final = "westeurope"


@dataclass(slots=True)
class Operations:
    """The operations of one service. `polls` is how many answers say InProgress before the work is done."""

    store: Store
    subscription: str
    polls: int = 1
    retry_after_seconds: int = 1
    failures: int = 0
    """So many operations to come end as Failed."""

    def begin(self, method: str, path: Path, properties: Record, hidden: Record) -> str:
        """Start writing or deleting a resource; its id. Refuses while another is under way there."""
        if self.store.under_way(path):
            words = "Operation on the API is in progress. Try again later."
            raise ArmError(409, "PessimisticConcurrencyConflict", words)
        operation_id = secrets.token_hex(12)
        operation = {
            "method": method,
            "path": list(path),
            "properties": properties,
            "hidden": hidden,
            "polls": self.polls,
            "status": "InProgress",
            "was": self.store.find(path),
        }
        self.store.begin(operation_id, operation)
        if method != "DELETE":
            self.store.put(path, {**properties, "provisioningState": "InProgress"}, {})
        if self.polls == 0:
            self._end(operation)
        return operation_id

    def headers(self, operation_id: str, call: Call) -> dict[str, str]:
        """Where to ask: a status document, and the older way, by 202 until it is done."""
        place = (
            f"{call.origin}/subscriptions/{self.subscription}/providers/Microsoft.ApiManagement/locations/{LOCATION}"
        )
        return {
            "azure-asyncoperation": f"{place}/operationStatuses/{operation_id}?api-version={API_VERSION}",
            "location": f"{place}/operationResults/{operation_id}?api-version={API_VERSION}",
            "retry-after": str(self.retry_after_seconds),
        }

    def touch(self, path: Path) -> None:
        """Somebody looked at the resource: that is a poll as well."""
        if operation := self.store.under_way(path):
            self._advance(operation)

    def status(self, operation_id: str, call: Call) -> Answer:
        """The status document."""
        operation = self._polled(operation_id)
        told: Record = {"id": call.path, "name": operation_id, "status": operation["status"]}
        if operation["status"] == "Failed":
            told["error"] = {"code": "ValidationError", "message": "The operation was made to fail."}
        waiting = operation["status"] == "InProgress"
        return Answer(200, told, {"retry-after": str(self.retry_after_seconds)} if waiting else {})

    def result(self, operation_id: str, call: Call) -> Answer:
        """202 until it is done."""
        if self._polled(operation_id)["status"] == "InProgress":
            return Answer(202, None, self.headers(operation_id, call))
        return Answer(200)

    def _polled(self, operation_id: str) -> Record:
        operation = self.store.operations.get(operation_id)
        if operation is None:
            raise missing("Operation")
        self._advance(operation)
        return operation

    def _advance(self, operation: Record) -> None:
        if operation["status"] != "InProgress":
            return
        if operation["polls"] > 0:
            operation["polls"] -= 1
            self.store.changed()
            return
        self._end(operation)

    def _end(self, operation: Record) -> None:
        path = tuple(operation["path"])
        if self.failures > 0:
            self.failures -= 1
            operation["status"] = "Failed"
            self._take_back(path, operation["was"])
            return
        operation["status"] = "Succeeded"
        if operation["method"] == "DELETE":
            remove(self.store, path)
        else:
            self._write(path, operation)

    def _take_back(self, path: Path, was: Record | None) -> None:
        if was is None:
            self.store.delete(path)
        else:
            self.store.put(path, was["properties"], was["hidden"])

    def _write(self, path: Path, operation: Record) -> None:
        hidden = dict(operation["hidden"])
        document = hidden.pop("document", None)
        if document:
            hidden["components"] = openapi.components(document)
            self._import(path, document)
        self.store.put(path, {**operation["properties"], "provisioningState": "Succeeded"}, hidden)

    def _import(self, path: Path, document: Record) -> None:
        """Operations that the document lacks go; those that stay keep their policies."""
        told = openapi.operations(document)
        for record in self.store.children(path, "operations"):
            if record["path"][-1] not in told:
                self.store.delete(tuple(record["path"]))
        for name, (properties, definition) in told.items():
            self.store.put((*path, "operations", name), properties, {"definition": definition})


def remove(store: Store, path: Path) -> None:
    """Delete a resource, what lies below it, and the links to it."""
    store.delete(path)
    if len(path) == 2 and path[0] in ("apis", "tags"):
        for names in (("products", path[0]), ("apis", path[0])):
            for link in store.every(*names):
                if link["path"][-1].lower() == path[1].lower():
                    store.delete(tuple(link["path"]))
