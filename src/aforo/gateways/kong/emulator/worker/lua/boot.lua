-- One worker: runs plugins' functions as coroutines, so that what waits in nginx waits here too, without blocking.
-- Returns what Python calls; `host` holds what only Python can do.
local host, here = ...

local resume, yield, status, create = coroutine.resume, coroutine.yield, coroutine.status, coroutine.create
local worker = { current = nil }

-- What a coroutine wants from outside is a table of this kind. A plugin's own coroutines pass it on to the outermost.
local Wish = {}

function worker.wish(kind, members)
  members.kind = kind
  return yield(setmetatable(members, Wish))
end

local function passing(thread, good, value, ...)
  while good and getmetatable(value) == Wish do
    local answer = { yield(value) }
    return passing(thread, resume(thread, unpack(answer, 1, table.maxn(answer))))
  end
  return good, value, ...
end

coroutine.resume = function(thread, ...)
  return passing(thread, resume(thread, ...))
end

coroutine.wrap = function(fn)
  local thread = create(fn)
  return function(...)
    local told = { coroutine.resume(thread, ...) }
    if not told[1] then error(told[2], 0) end
    return unpack(told, 2, table.maxn(told))
  end
end

-- Where cosockets and sleeping are not allowed, in nginx's words for the phase.
local NO_WAITING = {
  init_worker = "init_worker_by_lua*",
  header_filter = "header_filter_by_lua*",
  body_filter = "body_filter_by_lua*",
  log = "log_by_lua*",
}

function worker.refuse_waiting()
  local phase = worker.current and worker.current.phase
  if NO_WAITING[phase] then
    error("API disabled in the context of " .. NO_WAITING[phase], 3)
  end
end

package.path, package.cpath = "", ""
local function module(name)
  return assert(loadfile(here .. "/" .. name .. ".lua"))(host, worker)
end

package.loaded["cjson"] = module("cjson")
package.loaded["cjson.safe"] = package.loaded["cjson"].safe
local ngx = module("ngx")
_G.ngx = ngx
module("modules")
_G.kong = module("kong")
package.loaded["kong.db.schema.typedefs"] = module("typedefs")

local api = {}

-- A coroutine that will run `fn`, as a function: it runs on until the coroutine waits or ends, and tells "waits" and its
-- wish, "done", or "failed" and why.
function api.thread(fn, ...)
  local arguments, count = { ... }, select("#", ...)
  local thread = create(function()
    return fn(unpack(arguments, 1, count))
  end)
  return function(context, ...)
    local before = worker.current
    worker.current = context
    local good, value = resume(thread, ...)
    worker.current = before
    if not good then return "failed", tostring(value) .. "\n" .. debug.traceback(thread) end
    if status(thread) == "dead" then return "done", nil end
    if getmetatable(value) == Wish then return "waits", value end
    return "failed", "a plugin yielded outside of its own coroutines"
  end
end

function api.handler(root, name)
  package.path = root .. "/?.lua;" .. root .. "/?/init.lua"
  return require("kong.plugins." .. name .. ".handler")
end

function api.schema(root, name)
  package.path = root .. "/?.lua;" .. root .. "/?/init.lua"
  return require("kong.plugins." .. name .. ".schema")
end

-- A timer's function; forgotten unless it comes again.
function api.callback(number, again)
  local callback = worker.callbacks[number]
  if not again then worker.callbacks[number] = nil end
  return callback
end

api.null = ngx.null
return api
