"""The documentation as a reader uses it: its `sh` blocks, and a terminal that runs them against a real Aforo."""

import os
import pty
import re
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
_BLOCK: Final = re.compile(r"(?ms)^```sh\n(.*?)^```")
_ID: Final = re.compile(r"\b(prev|sub|cred|guard)_[0-9a-z]{20,}")
_COLOURS: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_QUESTION: Final = re.compile(r"\[y/N\]:? ?$")
_SECRET: Final = re.compile(r"\b[A-Za-z0-9]{32,}\b")


def written() -> list[Path]:
    """Every page that people wrote, the made ones aside."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted(ROOT.glob("src/aforo/**/README.md"))]


def blocks(text: str) -> list[str]:
    return _BLOCK.findall(text)


def commands(text: str) -> Iterator[list[str]]:
    """The words of each `aforo` command in the blocks, comments and what is piped or chained left out."""
    import shlex

    for block in blocks(text):
        for line in block.replace("\\\n", " ").splitlines():
            for part in re.split(r"(?:^|[;&|]|\bdo)\s*(?=aforo )", line):
                if part.startswith("aforo "):
                    words = shlex.split(part, comments=True)
                    ends = [at for at, word in enumerate(words) if word in ("&", "&&", "|", ";", ">")]
                    yield words[1 : ends[0] if ends else None]


@dataclass
class Terminal:
    """Types blocks as a reader would: puts in the ids that were printed before, and says yes when asked."""

    folder: Path
    port: int
    emulator_port: int
    environment: dict[str, str]
    seen: dict[str, str] = field(default_factory=dict)

    def type(self, block: str, seconds: float = 60) -> tuple[int, str]:
        """Line by line, up to the first that fails: its exit status, and all that was printed."""
        told = ""
        for line in block.replace("\\\n", " ").splitlines():
            status, printed = self._one(line, seconds)
            told += printed
            if status != 0:
                return status, f"{told}\n(after: {line})"
        return 0, told

    def _one(self, line: str, seconds: float) -> tuple[int, str]:
        for mark, told in self.seen.items():
            line = line.replace(f"{mark}_…", told)
        line = line.replace("127.0.0.1:8080", f"127.0.0.1:{self.port}")
        line = line.replace("8091", str(self.emulator_port)).replace("KEY'", f"{self.seen.get('KEY', 'KEY')}'")
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            ["bash", "-c", line], cwd=self.folder, env=self.environment, start_new_session=True,
            stdin=theirs, stdout=theirs, stderr=theirs,
        )  # fmt: skip
        os.close(theirs)
        try:
            printed = self._watch(process, ours, time.monotonic() + seconds)
        finally:
            os.close(ours)
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self._remember(printed)
        return process.returncode, printed

    def _watch(self, process: "subprocess.Popen[bytes]", ours: int, until: float) -> str:
        printed = b""
        with selectors.DefaultSelector() as ready:
            ready.register(ours, selectors.EVENT_READ)
            while time.monotonic() < until:
                if ready.select(0.05):
                    try:
                        piece = os.read(ours, 65536)
                    except OSError:  # Linux says so when the last writer has gone
                        break
                    printed += piece
                    if _QUESTION.search(_plain(printed)):
                        os.write(ours, b"y\n")
                elif process.poll() is not None:
                    break
        process.wait(timeout=max(0.1, until - time.monotonic()))
        return _plain(printed)

    def _remember(self, printed: str) -> None:
        for found in _ID.finditer(printed):
            self.seen[found[1]] = found[0]
        if secrets := _SECRET.findall(printed):  # a gateway's own key bears no mark
            self.seen["KEY"] = secrets[-1]


def _plain(printed: bytes) -> str:
    return _COLOURS.sub("", printed.decode(errors="replace")).replace("\r\n", "\n")


def environment(home: Path) -> dict[str, str]:
    """A reader's: nothing of ours but the program on the path."""
    return {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(home),
        "COLUMNS": "200",
        "TERM": "xterm",
    }
