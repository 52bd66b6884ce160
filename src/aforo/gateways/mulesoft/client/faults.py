"""What Anypoint's answers mean where their status alone does not tell."""

from collections.abc import Callable
from typing import Final

from aforo.gateway_sdk.errors import GatewayAuthFailed, GatewayError, GatewayThrottled
from aforo.gateway_sdk.transport import Answer, Judge

_EXCHANGE_PAUSE_SECONDS: Final = 2.0
_MILLISECONDS: Final = 1e11
_EPOCH: Final = 1e9


def throttles(now: Callable[[], float], *, exchange: bool) -> Judge:
    """A 429 waits as long as X-RateLimit-Reset says. Exchange says 500 or 503 when it is asked too often."""

    def judge(answer: Answer) -> GatewayError | None:
        if answer.status == 429:
            return _slow_down("Anypoint asks us to slow down (429).", _wait_seconds(answer, now()))
        if exchange and answer.status in (500, 503):
            wait = _wait_seconds(answer, now(), unless_told=_EXCHANGE_PAUSE_SECONDS)
            return _slow_down(f"Exchange answers {answer.status}, as it does when it is asked too often.", wait)
        return None

    return judge


def refused_app(answer: Answer) -> GatewayError | None:
    """The token endpoint says 400 or 401 to an unknown client id, a wrong secret, or an app that was disabled."""
    if answer.status not in (400, 401, 403):
        return None
    return GatewayAuthFailed(
        f"Anypoint refused the connected app's client id or secret ({answer.status}).",
        next_step="Check both under Access Management, Connected Apps. The app must act on its own behalf (client "
        "credentials) and be enabled; enter them again and test.",
    )


def _slow_down(words: str, wait_seconds: float) -> GatewayThrottled:
    return GatewayThrottled(
        words, next_step="Aforo waits and tries again by itself.", retry_after_seconds=round(wait_seconds, 3)
    )


def _wait_seconds(answer: Answer, now: float, unless_told: float = 1.0) -> float:
    """Retry-After, else the end of the window: told as a moment in epoch seconds or milliseconds, or as a span."""
    for name in ("retry-after", "x-ratelimit-reset"):
        try:
            told = float(answer.headers[name])
        except (KeyError, ValueError):
            continue
        if told > _MILLISECONDS:
            told /= 1000
        return max(0.0, told - now if told > _EPOCH else told)
    return unless_told
