"""What only Konnect has: schemas of plugins that are uploaded as Lua text. From the vendor's description.

The text is run without `require`, as Konnect's documentation asks for.
"""

from typing import Any

import msgspec
from lupa.luajit21 import LuaError, LuaRuntime

from .answers import METHOD_NOT_ALLOWED, NOT_FOUND, Answer, Refused
from .entities import Entities
from .requests import Request
from .worker.installed import told_of
from .worker.values import python

_READ = """
function(text)
  local run = assert(loadstring(text))
  setfenv(run, { pairs = pairs, ipairs = ipairs })
  return run()
end
"""


class PluginSchemas:
    """Answers `/plugin-schemas`; plugins of these names may then be configured."""

    def __init__(self, entities: Entities) -> None:
        self._entities = entities
        self._texts: dict[str, str] = {}

    def answer(self, request: Request) -> Answer | None:
        match request.segments:
            case ["plugin-schemas"] if request.method == "GET":
                return Answer(200, {"items": [self._item(name) for name in self._texts], "page": {}})
            case ["plugin-schemas"] if request.method == "POST":
                return Answer(201, {"item": self._item(self._take(request))})
            case ["plugin-schemas", name]:
                return self._one(request, name)
        return None

    def _one(self, request: Request, name: str) -> Answer:
        if request.method == "PUT":
            return Answer(200, {"item": self._item(self._take(request))})
        if name not in self._texts:
            raise Refused(NOT_FOUND)
        if request.method == "DELETE":
            del self._texts[name]
            self._entities.forget(name)
            return Answer(204)
        if request.method != "GET":
            raise Refused(METHOD_NOT_ALLOWED)
        return Answer(200, {"item": self._item(name)})

    def _item(self, name: str) -> dict[str, str]:
        return {"name": name, "lua_schema": self._texts[name]}

    def _take(self, request: Request) -> str:
        text = str(msgspec.json.decode(request.body)["lua_schema"])
        lua = LuaRuntime(encoding="latin-1", register_eval=False, register_builtins=False)
        try:
            schema: Any = python(lua.eval(_READ)(text), None)
        except LuaError as fault:
            raise Refused(Answer(400, {"message": f"schema violation (lua_schema: {fault})"})) from None
        self._texts[schema["name"]] = text
        self._entities.learn(schema["name"], told_of(schema))
        return str(schema["name"])
