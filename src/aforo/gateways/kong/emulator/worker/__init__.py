"""Workers that run Lua plugins under LuaJIT, as Kong's nginx workers do: any plugin, from a folder.

A folder holds `kong/plugins/<name>/{handler,schema}.lua`, as on a real node. Each worker is a Lua state of its own, and
all share `ngx.shared`. Phases run in Kong's order (`init_worker`, `configure`, `access`, `header_filter`,
`body_filter`, `log`), each as a coroutine: what waits (`resty.http`, `ngx.sleep`) lets other calls go on, and is
refused where nginx refuses it. HTTP goes over real sockets.

There: the plugin development kit without its Enterprise parts, `ngx` as far as plugins use it, `cjson`, `resty.http`
(whole requests), `resty.sha256`, `resty.string`, `resty.lrucache`, `kong.db.schema.typedefs`, and `{vault://env/…}`.
Not there: plugins' own tables and Admin API paths, `rewrite` of single requests, streams, `ngx.thread`, other vaults.

Different from a real node: a plugin put into the folder is there at once, where a real one wants its name in `plugins`
and a reload; and the log phase ends before the caller has the answer.
"""

from .host import Log
from .installed import Installed
from .worker import Failed, Worker
from .workers import Workers

__all__ = ["Failed", "Installed", "Log", "Worker", "Workers"]
