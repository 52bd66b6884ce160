"""`python -m aforo.app.edge --data-dir var --host 127.0.0.1 --port 8081`."""

import argparse
import os
from ipaddress import ip_network
from pathlib import Path

from aforo.app.edge.process import run


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m aforo.app.edge", description="Run the edge process.")
    parser.add_argument("--data-dir", type=Path, default=Path("var"))
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8081)
    parser.add_argument(
        "--margin-networks",
        default=os.environ.get("AFORO_MARGIN_NETWORKS", ""),
        help="Networks, separated by commas, that may ask for margins without a key; none unless told.",
    )
    parser.add_argument(
        "--trusted-proxies",
        default=os.environ.get("AFORO_TRUSTED_PROXIES", ""),
        help="Reverse proxies, separated by commas, whose X-Forwarded-For is believed; none unless told.",
    )
    chosen = parser.parse_args()
    networks = [ip_network(text.strip()) for text in chosen.margin_networks.split(",") if text.strip()]
    run(chosen.data_dir, chosen.host, chosen.port, networks, chosen.trusted_proxies)


main()
