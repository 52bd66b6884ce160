"""Why usage is not taken in or not given out, sorted by what to do next."""

from aforo.kit.errors import AforoError, Invalid, Overloaded, TooLarge


class TooManyEvents(TooLarge):
    """More events in one request than are taken."""

    code = "too_many_events"


class UnsupportedMedia(AforoError):
    """A content type or encoding that is not read here."""

    code = "unsupported_media_type"


class LogUnavailable(Overloaded):
    """The segment log cannot write now: disk full, or a failed sync. Nothing of the request was kept."""

    code = "log_unavailable"


class LogDamaged(AforoError):
    """Bytes of the log that were durable once do not read back: ask the operator to look at the disk."""

    code = "log_damaged"


class InvalidCursor(Invalid):
    """A cursor that no answer of ours contained."""

    code = "invalid_cursor"
