"""`python -m aforo.app.edge --data-dir var --host 127.0.0.1 --port 8081`."""

import argparse
from pathlib import Path

from aforo.app.edge.process import run


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m aforo.app.edge", description="Run the edge process.")
    parser.add_argument("--data-dir", type=Path, default=Path("var"))
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8081)
    chosen = parser.parse_args()
    run(chosen.data_dir, chosen.host, chosen.port)


main()
