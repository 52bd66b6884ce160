"""The inside of a Lambda container: `runner.py FOLDER module.function`. Reads an event a line, answers a line.

It is run as a script with `-I -S`, so that the uploaded code sees the standard library and nothing of this program.
What a handler prints goes to stderr, as its log.
"""

import importlib
import json
import os
import sys
import time
from collections.abc import Mapping
from typing import Any


class Context:
    """The members of Lambda's context object that handlers commonly read."""

    def __init__(self, asked: Mapping[str, Any]) -> None:
        self.aws_request_id = asked["requestId"]
        self.invoked_function_arn = asked["arn"]
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = "128"
        self._ends = time.monotonic() + asked["seconds"]

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self._ends - time.monotonic()) * 1000))


def serve(folder: str, handler: str) -> None:
    """Until stdin ends. The module is loaded with the first event, as a cold start is."""
    wire = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    sys.path.insert(0, folder)
    module, _, name = handler.rpartition(".")
    function = None
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            function = function or getattr(importlib.import_module(module.replace("/", ".")), name)
            told = json.dumps({"answer": function(asked["event"], Context(asked))})
        except BaseException as fault:  # noqa: BLE001 - whatever a handler raises is its answer
            told = json.dumps({"error": {"type": type(fault).__name__, "message": str(fault)}})
        wire.write(told + "\n")
        wire.flush()


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2])
