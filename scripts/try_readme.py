"""Does what the README says, word for word, as somebody would who has just cloned the repository.

    python3 scripts/try_readme.py            all but `make test`
    python3 scripts/try_readme.py --test     that too

Clones the last commit into a temporary folder, with an empty HOME. `make run` is kept running; every other `sh` block
runs beside it, unchanged, with the admin key that was printed as AFORO_API_KEY. Needs the README's ports to be free.
Exit status 0 means that every block did what it should.
"""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
KEY = re.compile(r"\bsk_live_[A-Za-z0-9]{40}\b")
LINK = re.compile(r"https?://127\.0\.0\.1:8080/\S*")
PATIENCE_SECONDS = 300.0
STOP_SECONDS = 20.0


def main() -> int:
    with_test = "--test" in sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        clone, home = Path(folder, "clone"), Path(folder, "home")
        home.mkdir()
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        blocks = re.findall(r"(?ms)^```sh\n(.*?)^```", (clone / "README.md").read_text())
        env = {**_plain_environment(), "HOME": str(home)}
        failed = _beside_a_running_aforo(clone, env, [block for block in blocks if block.strip() != "make test"])
        if with_test and not failed:
            failed = not _succeeds("make test\n", clone, env)
    print("README: failed" if failed else "README: every command did what it says")
    return int(failed)


def _beside_a_running_aforo(clone: Path, env: dict[str, str], blocks: list[str]) -> bool:
    """Start the block `make run`, then try the others; True if anything failed."""
    if "make run\n" not in blocks:
        print("the README does not say `make run`")
        return True
    log = clone.parent / "run.log"
    with log.open("w") as out:
        running = subprocess.Popen(
            ["bash", "-c", "make run"],
            cwd=clone,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        key = _first_words(running, log)
        if key is None:
            return True
        others = [block for block in blocks if block != "make run\n"]
        return not all(_succeeds(block, clone, {**env, "AFORO_API_KEY": key}) for block in others)
    finally:
        _stop(running)


def _first_words(running: subprocess.Popen[bytes], log: Path) -> str | None:
    """The admin key, once the sign-in link has been printed too; None, with what was printed, if they do not come."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until and running.poll() is None:
        told = log.read_text()
        if (key := KEY.search(told)) and (link := LINK.search(told)):
            print(f"make run: key and link are there, {link.group().partition('?')[0]}")
            return key.group()
        time.sleep(0.2)
    print(f"make run printed no key and link:\n{log.read_text()[-4000:]}")
    return None


def _succeeds(block: str, clone: Path, env: dict[str, str]) -> bool:
    """Run a block as it stands. A curl line must also get a list in JSON, as the API's lists are."""
    ran = subprocess.run(
        ["bash", "-euc", block],
        cwd=clone,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        text=True,
    )
    good = ran.returncode == 0 and ("curl" not in block or _are_answers(ran.stdout, block))
    print(f"{'ok' if good else 'FAILED'}: {block.strip()}")
    if not good:
        print(ran.stdout[-4000:], ran.stderr[-4000:], sep="\n")
    return good


def _are_answers(told: str, block: str) -> bool:
    """As many JSON objects as calls were made, and none of them a problem."""
    reader, at, answers = json.JSONDecoder(), 0, []
    try:
        while at < len(told.rstrip()):
            answer, at = reader.raw_decode(told, at)
            answers.append(answer)
            at += len(told[at:]) - len(told[at:].lstrip())
    except ValueError:
        return False
    calls = len(re.findall(r"(?m)^curl\b", block))
    return len(answers) == calls and all(isinstance(one, dict) and "code" not in one for one in answers)


def _stop(running: subprocess.Popen[bytes]) -> None:
    """As Ctrl-C does: the whole group is told, and only what does not listen is killed."""
    if running.poll() is None:
        os.killpg(running.pid, signal.SIGINT)
    try:
        running.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        print(f"make run did not stop within {STOP_SECONDS:g} s")
        os.killpg(running.pid, signal.SIGKILL)


def _plain_environment() -> dict[str, str]:
    """What a login shell would have: no settings of Aforo's, no virtual environment."""
    left_out = ("AFORO_", "PYTHON", "VIRTUAL_ENV", "MAKE", "MFLAGS")
    return {name: value for name, value in os.environ.items() if not name.startswith(left_out)}


if __name__ == "__main__":
    sys.exit(main())
