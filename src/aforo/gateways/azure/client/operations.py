"""Waits for what Azure has only begun: asks as often as it wishes, until it succeeds, fails, or takes too long."""

from collections.abc import Awaitable, Callable
from typing import Final

from aforo.gateway_sdk.errors import GatewayRejected, GatewayTimeout
from aforo.gateway_sdk.transport import Answer
from aforo.gateways.azure.client.faults import Row, words
from aforo.kit.clock import Clock

_PATIENCE_SECONDS: Final = 300.0
_REST_SECONDS: Final = 2.0
_LONGEST_REST_SECONDS: Final = 60.0
_DONE: Final = frozenset({"succeeded", "ok", "created", "updated"})
_FAILED: Final = frozenset({"failed", "canceled", "cancelled"})


class Waiting:
    """On one clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def until_done(self, answer: Answer, poll: Callable[[], Awaitable[Answer]]) -> None:
        """Returns at once if the answer says that the work is done."""
        until = self._clock.monotonic() + _PATIENCE_SECONDS
        is_done = _is_finished_at_once(answer)
        while not is_done:
            if self._clock.monotonic() >= until:
                raise GatewayTimeout(
                    f"Azure began the operation, but had not ended it after {_PATIENCE_SECONDS:.0f} s.",
                    next_step="Look again later: it may still take effect.",
                )
            await self._clock.sleep(_rest(answer))
            answer = await poll()
            is_done = _is_done(answer)


def _is_finished_at_once(answer: Answer) -> bool:
    """Without an address to ask at, only a resource that says InProgress of itself is not finished."""
    if answer.status == 202:
        return False
    state = _state(answer)
    if state in _FAILED:
        raise _failed(answer)
    return state in _DONE or (state == "" and "azure-asyncoperation" not in answer.headers)


def _is_done(answer: Answer) -> bool:
    """Of a poll: 202 goes on, 404 is the end of a deletion, a body without a state has been reached."""
    if answer.status == 202:
        return False
    state = _state(answer)
    if state in _FAILED:
        raise _failed(answer)
    return answer.status == 404 or not state or state in _DONE


def _state(answer: Answer) -> str:
    """`status` of a status document, else what the resource tells of itself; empty where neither is told."""
    told: Row = answer.object() if answer.body else {}
    inner = told.get("properties") if isinstance(told.get("properties"), dict) else {}
    state = told.get("status") or (inner or {}).get("status") or (inner or {}).get("provisioningState")
    return str(state or "").lower()


def _failed(answer: Answer) -> GatewayRejected:
    told = answer.object()
    inner = told.get("properties") if isinstance(told.get("properties"), dict) else {}
    error = told.get("error") or (inner or {}).get("error")
    why = words(error) if isinstance(error, dict) else "without saying why"
    return GatewayRejected(f"Azure began the operation, then failed: {why}.", status=400)


def _rest(answer: Answer) -> float:
    try:
        return min(_LONGEST_REST_SECONDS, max(0.0, float(answer.headers.get("retry-after", _REST_SECONDS))))
    except ValueError:
        return _REST_SECONDS
