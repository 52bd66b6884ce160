"""The error state: what a policy raises, and the answer that its caller gets."""

import json
from typing import Final

from .messages import Message

_STATUS: Final = {"QuotaViolation": 429, "ExecutionFailed": 500, "ScriptExecutionFailed": 500}


class Fault(Exception):
    """Ends the flow unless the step's policy, or its hook, continues on errors. `name` is `fault.name`."""

    def __init__(self, code: str, words: str, status: int | None = None, message: Message | None = None) -> None:
        super().__init__(words)
        self.name = code.rpartition(".")[2]
        self.message = message or _default(status or _STATUS.get(self.name, 500), code, words)


def _default(status: int, code: str, words: str) -> Message:
    body = json.dumps({"fault": {"faultstring": words, "detail": {"errorcode": code}}})
    return Message(status=status, headers={"Content-Type": "application/json"}, content=body)
