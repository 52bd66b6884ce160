"""The plugin's files, and what installs them on a node."""

import re
from functools import cache
from pathlib import Path
from typing import Final

from aforo.gateway_sdk.contract import Document

NAME: Final = "aforo"
_ROOT: Final = Path(__file__).parent.parent / "templates"
_END: Final = "END_OF_AFORO_FILE"


@cache
def sources() -> dict[str, str]:
    """The plugin's Lua files, by their path below a folder of Kong's Lua path."""
    return {str(file.relative_to(_ROOT)): file.read_text() for file in sorted(_ROOT.rglob("*.lua"))}


@cache
def version() -> str:
    found = re.search(r'VERSION = "([^"]+)"', sources()["kong/plugins/aforo/handler.lua"])
    return found[1] if found else ""


def schema() -> str:
    return sources()["kong/plugins/aforo/schema.lua"]


@cache
def documents() -> tuple[Document, ...]:
    """A script that writes the files, and a rockspec for those who build rocks."""
    return (
        Document("install-aforo-plugin.sh", "application/x-sh", _script()),
        Document(f"kong-plugin-aforo-{version()}-1.rockspec", "text/plain", _rockspec()),
    )


STEPS: Final = (
    "On each node run `sh install-aforo-plugin.sh` (or give another folder of Kong's Lua path).",
    (
        "In kong.conf set `plugins = bundled,aforo` and `nginx_http_lua_shared_dict = aforo 16m`; or the environment's "
        "KONG_PLUGINS and KONG_NGINX_HTTP_LUA_SHARED_DICT."
    ),
    "Run `kong reload`, or start the containers anew.",
)


def _script() -> str:
    lines = [
        "#!/bin/sh",
        f"# Installs version {version()} of the Kong plugin aforo; name another folder of Kong's Lua path.",
        "set -eu",
        'into="${1:-/usr/local/share/lua/5.1}"',
        f'mkdir -p "$into/kong/plugins/{NAME}"',
    ]
    for path, text in sources().items():
        lines += [f"cat > \"$into/{path}\" <<'{_END}'", text.rstrip("\n"), _END]
    return "\n".join([*lines, f'echo "aforo {version()} is in $into/kong/plugins/{NAME}"', ""])


def _rockspec() -> str:
    modules = ",\n".join(f'    ["{path.removesuffix(".lua").replace("/", ".")}"] = "{path}"' for path in sources())
    return (
        f'package = "kong-plugin-aforo"\nversion = "{version()}-1"\nrockspec_format = "3.0"\n'
        'source = { url = "file://." }\n'
        'description = { summary = "Checks and meters calls with Aforo", license = "Apache-2.0" }\n'
        'dependencies = { "lua >= 5.1" }\n'
        f'build = {{\n  type = "builtin",\n  modules = {{\n{modules}\n  }},\n}}\n'
    )
