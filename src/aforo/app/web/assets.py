"""The console's static files: joined once at start, named by their content, and so cacheable for ever."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from fastapi import APIRouter, Response

_HERE = Path(__file__).parent / "static"
_IMMUTABLE = "public, max-age=31536000, immutable"
_CSS_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_CSS_INDENT = re.compile(r"\n\s*")
_JS_IMPORT = re.compile(r"^import .*?;\n", re.MULTILINE)
_JS_EXPORT = re.compile(r"^export (?=(?:async )?function|const|class)", re.MULTILINE)
_JS_COMMENT_LINE = re.compile(r"^\s*(?://|/?\*).*\n", re.MULTILINE)
_MODULES = ("policy", "swap", "dialog", "table", "copy", "time", "live", "palette", "start")


@dataclass(frozen=True, slots=True)
class Asset:
    """One served file; `path` holds the first 12 hexadecimal digits of its SHA-256."""

    path: str
    media_type: str
    body: bytes


class Assets:
    """All served files by their plain names: `aforo.css`, `aforo.js`, `sprite.svg`, `favicon.svg`."""

    def __init__(self, folder: Path = _HERE) -> None:
        files = {
            "aforo.css": ("text/css; charset=utf-8", _stylesheet(folder / "css")),
            "aforo.js": ("text/javascript; charset=utf-8", _script(folder / "js")),
            "sprite.svg": ("image/svg+xml", (folder / "sprite.svg").read_text("utf-8")),
            "favicon.svg": ("image/svg+xml", (folder / "favicon.svg").read_text("utf-8")),
        }
        self._by_name = {name: _hashed(name, media, text.encode()) for name, (media, text) in files.items()}
        self._by_path = {asset.path: asset for asset in self._by_name.values()}

    def path(self, name: str) -> str:
        """Where a file is served; an unknown name is a programmer's slip and raises KeyError."""
        return self._by_name[name].path

    def body(self, name: str) -> bytes:
        return self._by_name[name].body

    def routes(self) -> APIRouter:
        """GET /static/…: only the exact hashed names exist."""
        router = APIRouter()

        @router.get("/static/{name}", include_in_schema=False)
        def static(name: str) -> Response:
            asset = self._by_path.get(f"/static/{name}")
            if asset is None:
                return Response("No such file. Reload the page: the console has been updated.", 404)
            headers = {"cache-control": _IMMUTABLE, "x-content-type-options": "nosniff"}
            return Response(asset.body, media_type=asset.media_type, headers=headers)

        return router


def _hashed(name: str, media_type: str, body: bytes) -> Asset:
    stem, _, ending = name.rpartition(".")
    digest = hashlib.sha256(body).hexdigest()[:12]
    return Asset(f"/static/{stem}.{digest}.{ending}", media_type, body)


def _stylesheet(folder: Path) -> str:
    """The layers in file order, without comments and indentation."""
    joined = "\n".join(path.read_text("utf-8") for path in sorted(folder.glob("*.css")))
    return _CSS_INDENT.sub("\n", _CSS_COMMENT.sub("", joined)).strip()


def _script(folder: Path) -> str:
    """One ES module from the small ones: they share top-level names on purpose, so imports and exports fall away."""
    joined = "\n".join((folder / f"{name}.js").read_text("utf-8") for name in _MODULES)
    return _JS_COMMENT_LINE.sub("", _JS_EXPORT.sub("", _JS_IMPORT.sub("", joined)))
