"""Begins a gateway: `make new-gateway NAME=tyk` makes a folder that the registry and the conformance suite find.

What it makes works on its own emulator and says `not_yet` for the rest; the README in it tells how to go on.
"""

import argparse
import keyword
import re
import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
_TEMPLATE = Path(__file__).resolve().parent / "gateway_template"
_KEY = re.compile(r"[a-z][a-z0-9]{1,19}")
_PORT = re.compile(r"emulator_port=(\d+)")


def scaffold(key: str, name: str, root: Path = _ROOT) -> list[Path]:
    """Write the folder; its files. Raises ValueError with the way out, and then has written nothing."""
    gateways = root / "src" / "aforo" / "gateways"
    if not _KEY.fullmatch(key) or keyword.iskeyword(key):
        raise ValueError(
            f"NAME={key!r} cannot name a package. Take 2 to 20 small letters and digits, such as NAME=tyk."
        )
    if (gateways / key).exists():
        raise ValueError(f"There is a gateway {key} already. Take another name, or remove its folder first.")
    if not re.fullmatch(r"[\w .&-]{1,30}", name):
        raise ValueError(f"TITLE={name!r} has letters that a title cannot have, or is longer than 30.")
    port = _next_port(gateways)
    words = {"__KEY__": key, "__UPPER__": key.upper(), "__NAME__": name, "__PORT__": str(port)}
    return [_write(source, gateways / key, words) for source in sorted(_TEMPLATE.rglob("*.txt"))]


def _next_port(gateways: Path) -> int:
    taken = [int(hit) for path in gateways.glob("*/manifest.py") for hit in _PORT.findall(path.read_text())]
    return max(taken, default=8090) + 1


def _write(source: Path, folder: Path, words: dict[str, str]) -> Path:
    target = folder / source.relative_to(_TEMPLATE).with_suffix("")
    text = source.read_text()
    for mark, word in words.items():
        text = text.replace(mark, word)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)
    return target


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("key", help="the folder's name, such as tyk")
    parser.add_argument(
        "title", nargs="?", default="", help="what people call it; the name with a capital unless given"
    )
    given = parser.parse_args()
    try:
        made = scaffold(given.key, given.title or given.key.capitalize())
    except ValueError as fault:
        print(fault, file=sys.stderr)
        return 2
    for path in made:
        print(path.relative_to(_ROOT))
    print(f"Next: .venv/bin/pytest tests/gateways/test_conformance.py -k {given.key}, then the README in that folder.")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
