"""Whether a connection may be used: its settings, as they are now, have passed a test, and none has found them unsafe.

A test that fails since the gateway is down takes away nothing that an earlier one has shown. One that finds the
connection unsafe does, until a later test passes. A change of the settings begins anew.
"""

from datetime import datetime

from aforo.gateway_sdk.contract import Check
from aforo.gateway_sdk.errors import UNSAFE_CODES
from aforo.integrations.model import Integration, TestResult


def judged(before: TestResult | None, revision: int, checks: tuple[Check, ...], at: datetime) -> TestResult:
    """The outcome of a test of the settings of `revision`, after what was known before."""
    shown = before is not None and before.revision == revision and before.proven
    result = TestResult(at, checks, revision, proven=False)
    unsafe = any(check.code in UNSAFE_CODES for check in result.failures)
    return TestResult(at, checks, revision, proven=result.passed or (shown and not unsafe))


def may_be_used(integration: Integration) -> bool:
    last = integration.last_test
    return last is not None and last.revision == integration.revision and last.proven


def in_the_way(integration: Integration) -> str:
    """What keeps a connection from being used, as the rest of a sentence."""
    last = integration.last_test
    if last is None or last.revision != integration.revision:
        return "its connection has not been tested as it is now"
    return "its last connection test failed: " + " ".join(f"{check.name}: {check.detail}" for check in last.failures)
