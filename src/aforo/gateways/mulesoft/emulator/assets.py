"""Exchange: assets with immutable versions. A version that was deleted is never free again."""

import base64
import email.parser
import email.policy
import hashlib
import hmac
from urllib.parse import quote

from .answers import NO_CONTENT, Answer, Refused, exchange_says_no
from .calls import Call, page
from .world import Row, World

VIEW = ("read:exchange", "edit:exchange", "manage:exchange")
MANAGE = ("manage:exchange",)
LINK_SECONDS = 300
_KEY = b"the emulator signs links with this"


def search(world: World, call: Call) -> Answer:
    rows = [_shown(row, None) for row in world.rows("assets", deleted=False) if _asked_for(row, call)]
    return Answer(200, page(call, rows if world.may(*VIEW) else [], world))


def _asked_for(row: Row, call: Call) -> bool:
    return call.query.get("organizationId") in (None, row["organizationId"])


def get(world: World, call: Call) -> Answer:
    if not world.may(*VIEW):
        raise exchange_says_no(403, "Forbidden")
    return Answer(200, _shown(_one(world, call), _Links(world, call.base_url)))


class _Links:
    """Links that need no token and live for some minutes."""

    def __init__(self, world: World, base_url: str) -> None:
        self._until = str(int(world.clock.now().timestamp()) + LINK_SECONDS)
        self._base_url = base_url

    def to(self, row: Row, file: Row) -> str:
        path = "/".join(quote(part, safe="") for part in (*_coordinates(row), file["classifier"]))
        return f"{self._base_url}/exchange-files/{path}?until={self._until}&signature={sign(path, self._until)}"


def sign(path: str, until: str) -> str:
    return hmac.new(_KEY, f"{path}?{until}".encode(), hashlib.sha256).hexdigest()


def file(world: World, call: Call) -> Answer:
    """A signed link: with a token besides, storage refuses it; afterwards as well."""
    names = ("groupId", "assetId", "version", "classifier")
    path = "/".join(quote(call.ids[name], safe="") for name in names)
    until = call.query.get("until", "0")
    if "authorization" in call.headers:
        raise Refused(_xml(400, "InvalidArgument"))
    if not hmac.compare_digest(sign(path, until), call.query.get("signature", "")):
        raise Refused(_xml(403, "SignatureDoesNotMatch"))
    if int(until) < world.clock.now().timestamp():
        raise Refused(_xml(403, "AccessDenied"))
    row = _one(world, call)
    found = next(one for one in row["files"] if one["classifier"] == call.ids["classifier"])
    return Answer(200, content=base64.b64decode(found["content"]), headers={"content-type": "application/octet-stream"})


def _xml(status: int, code: str) -> Answer:
    return Answer(status, content=f"<Error><Code>{code}</Code></Error>".encode(), headers={"content-type": "text/xml"})


def publish(world: World, call: Call) -> Answer:
    """Multipart: name, type, properties.apiVersion, properties.mainFile, and files.<classifier>.<packaging>."""
    if not world.may(*MANAGE):
        raise exchange_says_no(403, "Forbidden")
    fields = _multipart(call)
    if "name" not in fields:
        raise exchange_says_no(400, "The name is required")
    where = tuple(call.ids[name] for name in ("groupId", "assetId", "version"))
    if "/".join(where) in world.tables["assets"]:
        raise exchange_says_no(
            409, "The asset is invalid: a version that was published once cannot be published again",
            "ASSET_PRE_CONDITIONS_FAILED",
        )  # fmt: skip
    files = [(name.split(".")[1], name.split(".")[2], fields[name]) for name in fields if name.startswith("files.")]
    main = fields.get("properties.mainFile", b"").decode()
    row = new(world, where, fields["name"].decode(), fields.get("properties.apiVersion", b"v1").decode(), files, main)
    return Answer(
        201, {name: row[name] for name in ("organizationId", "groupId", "assetId", "version", "name", "type")}
    )


def _multipart(call: Call) -> dict[str, bytes]:
    head = f"Content-Type: {call.headers.get('content-type', '')}\r\n\r\n".encode()
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + call.content)
    parts = message.iter_parts() if message.is_multipart() else ()
    named = {str(part.get_param("name", header="content-disposition")): part for part in parts}
    return {name: bytes(part.get_payload(decode=True) or b"") for name, part in named.items()}


def new(
    world: World, where: tuple[str, ...], name: str, group: str, files: list[tuple[str, str, bytes]], main: str = ""
) -> Row:
    """A published version."""
    now = world.now()
    row = {
        "organizationId": where[0],
        "groupId": where[0],
        "assetId": where[1],
        "version": where[2],
        "minorVersion": where[2].rpartition(".")[0],
        "versionGroup": group,
        "description": "",
        "isPublic": False,
        "name": name,
        "type": "rest-api" if files else "http-api",
        "isSnapshot": False,
        "status": "published",
        "createdAt": now,
        "deleted": False,
        "files": [_file(classifier, packaging, content, main, now) for classifier, packaging, content in files],
    }
    return world.put("assets", "/".join(where), row)


def _file(classifier: str, packaging: str, content: bytes, main: str, now: str) -> Row:
    return {
        "classifier": classifier,
        "packaging": packaging,
        "md5": hashlib.md5(content, usedforsecurity=False).hexdigest(),
        "sha1": hashlib.sha1(content, usedforsecurity=False).hexdigest(),
        "createdDate": now,
        "mainFile": main or None,
        "isGenerated": False,
        "content": base64.b64encode(content).decode(),
    }


def _shown(row: Row, links: _Links | None) -> Row:
    told = {name: value for name, value in row.items() if name != "deleted"}
    told["files"] = [_shown_file(row, file, links) for file in row["files"]]
    return told


def _shown_file(row: Row, file: Row, links: _Links | None) -> Row:
    told = {name: value for name, value in file.items() if name != "content"}
    return {**told, "externalLink": links.to(row, file)} if links else told


def delete(world: World, call: Call) -> Answer:
    """The version stays known, so that nobody can publish it anew."""
    if not world.may(*MANAGE):
        raise exchange_says_no(403, "Forbidden")
    row = _one(world, call)
    used = world.rows("apis", groupId=row["groupId"], assetId=row["assetId"], assetVersion=row["version"])
    if used:
        raise exchange_says_no(409, "API instances use this version")
    row["deleted"] = True
    world.changed()
    return NO_CONTENT


def _one(world: World, call: Call) -> Row:
    row = world.tables["assets"].get("/".join(call.ids[name] for name in ("groupId", "assetId", "version")))
    if row is None or row["deleted"]:
        raise exchange_says_no(404, "Asset not found")
    return row


def _coordinates(row: Row) -> tuple[str, str, str]:
    return row["groupId"], row["assetId"], row["version"]
