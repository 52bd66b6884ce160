-- The part of OpenResty's `ngx` that plugins use.
local host, worker = ...
local ngx = { null = package.loaded["cjson"].null, config = { subsystem = "http", ngx_lua_version = 10026 } }

for level, name in pairs { [0] = "STDERR", "EMERG", "ALERT", "CRIT", "ERR", "WARN", "NOTICE", "INFO", "DEBUG" } do
  ngx[name] = level
end
ngx.OK, ngx.ERROR, ngx.AGAIN, ngx.DONE, ngx.DECLINED = 0, -1, -2, -4, -5
ngx.HTTP_OK, ngx.HTTP_UNAUTHORIZED, ngx.HTTP_FORBIDDEN, ngx.HTTP_TOO_MANY_REQUESTS = 200, 401, 403, 429
ngx.HTTP_INTERNAL_SERVER_ERROR, ngx.HTTP_SERVICE_UNAVAILABLE = 500, 503

local function joined(...)
  local parts = {}
  for index = 1, select("#", ...) do parts[index] = tostring((select(index, ...))) end
  return table.concat(parts)
end

function ngx.log(level, ...) host.log(level, joined(...)) end
function ngx.now() return host.now() end
function ngx.time() return math.floor(host.now()) end
function ngx.update_time() end
function ngx.utctime() return os.date("!%Y-%m-%d %H:%M:%S", ngx.time()) end
function ngx.http_time(at) return os.date("!%a, %d %b %Y %H:%M:%S GMT", at) end
function ngx.get_phase() return worker.current and worker.current.phase or "init" end
function ngx.md5(text) return host.digest("md5", text) end
function ngx.sha1_bin(text) return host.digest_bin("sha1", text) end
function ngx.hmac_sha1(key, text) return host.hmac("sha1", key, text) end
function ngx.crc32_short(text) return host.crc32(text) end
function ngx.crc32_long(text) return host.crc32(text) end
function ngx.encode_base64(text) return host.base64(text) end
function ngx.decode_base64(text) return host.unbase64(text) end
function ngx.escape_uri(text) return host.escape(tostring(text)) end
function ngx.unescape_uri(text) return host.unescape(tostring(text)) end

function ngx.encode_args(args)
  local parts = {}
  for name, value in pairs(args) do
    for _, one in ipairs(type(value) == "table" and value or { value }) do
      parts[#parts + 1] = ngx.escape_uri(name) .. (one == true and "" or "=" .. ngx.escape_uri(one))
    end
  end
  table.sort(parts)
  return table.concat(parts, "&")
end

function ngx.sleep(seconds)
  worker.refuse_waiting()
  worker.wish("sleep", { seconds = tonumber(seconds) or 0 })
end

ngx.worker = {
  id = function() return host.worker_id end,
  count = function() return host.worker_count end,
  pid = function() return host.pid end,
  exiting = function() return host.exiting() end,
}

-- Timers are started by the worker; each run is a coroutine of its own, in the phase `timer`. Python gets their numbers
-- alone: a function handed over by a coroutine would be lost with it.
ngx.timer = {}
worker.callbacks = {}
local numbered = 0
local function timer(delay, again, callback, ...)
  if type(delay) ~= "number" or delay < 0 then error("bad argument #1: delay must be at least 0", 3) end
  if host.exiting() and not again then return nil, "process exiting" end
  local arguments, count = { ... }, select("#", ...)
  numbered = numbered + 1
  worker.callbacks[numbered] = function(premature)
    return callback(premature, unpack(arguments, 1, count))
  end
  host.timer(delay, again, numbered)
  return true
end
function ngx.timer.at(delay, callback, ...) return timer(delay, false, callback, ...) end
function ngx.timer.every(delay, callback, ...)
  if delay == 0 then return nil, "delay cannot be 0" end
  return timer(delay, true, callback, ...)
end

-- Memory that all workers share.
local function shared(name)
  local dict, outer = host.shared(name), {}
  if dict == nil then return nil end
  for _, method in ipairs { "get", "get_stale", "set", "safe_set", "add", "safe_add", "replace", "incr", "delete", "ttl", "expire",
    "flush_all", "flush_expired", "lpush", "rpush", "lpop", "rpop", "llen", "capacity", "free_space" } do
    local of = dict[method]
    outer[method] = function(_, ...) return of(...) end
  end
  function outer:get_keys(most)
    local found = {}
    for key in dict.keys(most or 1024):gmatch("[^\n]+") do found[#found + 1] = key end
    return found
  end
  return outer
end
ngx.shared = setmetatable({}, {
  __index = function(known, name)
    known[name] = shared(name)
    return rawget(known, name)
  end,
})

-- What belongs to one request. Outside of one there is none, as in nginx.
local function request()
  local current = worker.current
  if not current or not current.request then error("no request found", 3) end
  return current
end

ngx.req = {
  get_method = function() return request().request.method end,
  get_headers = function() return request().request.headers end,
  start_time = function() return request().request.started end,
  get_uri_args = function() return request().request.query end,
  read_body = function() end,
  get_body_data = function() return request().request.body end,
}

setmetatable(ngx, {
  __index = function(_, name)
    if name == "ctx" then return request().ctx end
    if name == "status" then return request().response.status end
    if name == "arg" then return request().arg end
    if name == "header" then return request().response.headers end
    if name == "var" then return request().var end
    return nil
  end,
})

local function options(flags) return flags or "" end
ngx.re = {
  find = function(text, pattern, flags) return host.re_find(text, pattern, options(flags)) end,
  match = function(text, pattern, flags)
    local found = { host.re_match(text, pattern, options(flags)) }
    if #found == 0 then return nil end
    local groups = { [0] = found[1] }
    for index = 2, #found do groups[index - 1] = found[index] end
    return groups
  end,
  gsub = function(text, pattern, with, flags) return host.re_sub(text, pattern, with, options(flags), 0) end,
  sub = function(text, pattern, with, flags) return host.re_sub(text, pattern, with, options(flags), 1) end,
}
return ngx
