-- One Kong node with one service and one plugin: runs the plugin's phases where Kong runs them, and takes their time.
local ffi = require "ffi"
local json = require "cjson.safe"
ffi.cdef "typedef struct { long s; long ns; } aforo_time; int clock_gettime(int, aforo_time *);"

local node = {}
local conf, handler
local at = ffi.new "aforo_time"

local function now()
  ffi.C.clock_gettime(1, at)
  return tonumber(at.s) * 1e6 + tonumber(at.ns) / 1e3
end

local function timed(ctx, work, ...)
  local begun = now()
  work(...)
  ctx.took = (ctx.took or 0) + now() - begun
end

function node.open(path)
  local file = assert(io.open(path))
  conf = assert(json.decode(file:read("*a")))
  file:close()
  kong = require "kit".new(conf) -- the one global that a plugin finds at Kong
  handler = require("kong.plugins." .. conf.plugin .. ".handler")
  return node
end

function node.init_worker()
  if handler.init_worker then handler:init_worker() end
  if handler.configure then handler:configure { conf.config } end
end

-- What key-auth does. A key that nobody has stays unverified here, as at a service without key-auth.
local function authenticate(ctx)
  local key = kong.request.get_header("apikey")
  local known = key and conf.keys[key]
  if not known then return end
  ctx.credential = { id = known, key = key }
  ctx.consumer = { id = "consumer-of-" .. known }
end

-- Kong runs `access` as a coroutine, which kong.response.exit leaves for good; what it said is sent afterwards.
function node.access()
  local ctx = ngx.ctx
  ctx.plugin = {}
  authenticate(ctx)
  if handler.access then timed(ctx, coroutine.wrap(function() handler:access(conf.config) end)) end
  local said = ctx.delayed
  if said then
    ctx.exited = true
    ngx.status = said.status
    for name, value in pairs(said.headers or {}) do ngx.header[name] = value end
    if type(said.body) == "table" then
      ngx.header["Content-Type"] = "application/json; charset=utf-8"
      said.body = json.encode(said.body)
    end
    ngx.print(said.body or "")
    return ngx.exit(said.status)
  end
  ctx.proxied = true
end

function node.balancer() assert(require("ngx.balancer").set_current_peer("127.0.0.1", conf.backend_port)) end

function node.header_filter()
  local ctx = ngx.ctx
  if not ctx.plugin then return end -- nginx refused the call before access
  if handler.header_filter then timed(ctx, handler.header_filter, handler, conf.config) end
end

function node.log()
  local ctx = ngx.ctx
  if not ctx.plugin then return end
  if handler.log then timed(ctx, handler.log, handler, conf.config) end
  ngx.shared.seen:rpush("took", ctx.took)
end

return node
