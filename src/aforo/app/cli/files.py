"""Files that a command is named."""

from pathlib import Path

from aforo.app.cli.exits import Exit
from aforo.app.cli.failure import failure


def text_of(path: str, *, purpose: str = "", next_step: str, unharmed: str) -> str:
    """A file's text, without the mark that some programs begin UTF-8 with. Raises Failure in words."""
    try:
        return Path(path).expanduser().read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as fault:
        why = fault.strerror if isinstance(fault, OSError) else "it is not UTF-8 text"
        detail = f"{path}{f', for {purpose}' if purpose else ''}: {why}."
        raise failure(
            "unreadable_file",
            Exit.INVALID,
            "A file cannot be read",
            detail,
            next_step=next_step,
            unharmed=unharmed,
        ) from None
