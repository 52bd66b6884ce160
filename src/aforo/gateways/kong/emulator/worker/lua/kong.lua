-- Kong's plugin development kit, as its documentation tells it, with its checks of where a function may be called.
local host, worker = ...
local kong = { version = host.version, version_num = 3009003, configuration = { prefix = host.prefix } }

local REQUEST = "rewrite, access, header_filter, response, body_filter, log, balancer"
local FROM_ACCESS = "access, header_filter, response, body_filter, log, balancer"
local BEFORE_SERVICE = "rewrite, access, balancer"
local AFTER_SERVICE = "header_filter, response, body_filter, log"
local BEFORE_BODY = "rewrite, access, header_filter, response"

local function now_in(phases, name)
  local current = worker.current
  local phase = current and current.phase or "init"
  if not phases:find(phase, 1, true) then
    error(("function '%s' cannot be called in %s phase (only in: %s)"):format(name, phase, phases), 3)
  end
  return current
end

-- A function that gets the request at hand, where the phase allows it.
local function within(phases, name, fn)
  return function(...) return fn(now_in(phases, name), ...) end
end

local function copied(one)
  local whole = {}
  for name, value in pairs(one) do whole[name] = value end
  return whole
end

local function first(value)
  if type(value) == "table" then return value[1] end
  return value
end

local function expect_text(value, name)
  if type(value) ~= "string" then error(name .. " must be a string, got " .. type(value), 3) end
end

-- kong.log
local function log_at(level)
  return function(...)
    local parts = {}
    for index = 1, select("#", ...) do parts[index] = tostring((select(index, ...))) end
    host.log(level, table.concat(parts))
  end
end
kong.log = setmetatable({ inspect = function() end, set_serialize_value = function() end },
  { __call = function(_, ...) log_at(ngx.NOTICE)(...) end })
for name, level in pairs { emerg = 1, alert = 2, crit = 3, err = 4, warn = 5, notice = 6, info = 7, debug = 8 } do
  kong.log[name] = log_at(level)
end

-- kong.request: what the caller sent
kong.request = {}
local function asks(name, phases, fn) kong.request[name] = within(phases, "kong.request." .. name, fn) end
for name, member in pairs {
  get_scheme = "scheme", get_host = "host", get_port = "port", get_method = "method", get_path = "path",
  get_raw_path = "path", get_raw_query = "raw_query", get_http_version = "version", get_forwarded_scheme = "scheme",
  get_forwarded_host = "host", get_forwarded_port = "port", get_forwarded_path = "path",
} do
  asks(name, REQUEST, function(current) return current.request[member] end)
end
asks("get_start_time", REQUEST, function(current) return math.floor(current.request.started * 1000) end)
asks("get_path_with_query", REQUEST, function(current)
  local sent = current.request
  return sent.raw_query == "" and sent.path or sent.path .. "?" .. sent.raw_query
end)
asks("get_query", REQUEST, function(current) return copied(current.request.query) end)
asks("get_query_arg", REQUEST, function(current, name)
  expect_text(name, "query argument name")
  return first(current.request.query[name])
end)
asks("get_header", REQUEST, function(current, name)
  expect_text(name, "header name")
  return first(current.request.headers[name:lower():gsub("_", "-")])
end)
asks("get_headers", REQUEST, function(current) return copied(current.request.headers) end)
asks("get_raw_body", "rewrite, access, response, log, balancer", function(current) return current.request.body end)
asks("get_body", "rewrite, access, response, log, balancer", function(current)
  local kind = current.request.headers["content-type"] or ""
  if kind:find("application/json", 1, true) then
    local found, fault = package.loaded["cjson.safe"].decode(current.request.body)
    return found, fault, "application/json"
  end
  return nil, "content type '" .. kind .. "' is not known to the emulator"
end)

-- kong.client: who calls
kong.client = {}
local function client(name, phases, fn) kong.client[name] = within(phases, "kong.client." .. name, fn) end
client("get_ip", REQUEST, function(current) return current.request.client end)
client("get_forwarded_ip", REQUEST, function(current) return current.request.client end)
client("get_port", REQUEST, function() return 40000 end)
client("get_consumer", FROM_ACCESS, function(current) return current.consumer end)
client("get_credential", FROM_ACCESS, function(current) return current.credential end)
client("get_consumer_groups", FROM_ACCESS, function() return nil end)
client("authenticate", "access", function(current, consumer, credential)
  if not consumer and not credential then error("either credential or consumer must be provided", 3) end
  current.consumer, current.credential = consumer, credential
end)
client("load_consumer", "access", function(_, id) return host.consumer(id) end)

-- kong.router
kong.router = {
  get_route = within(FROM_ACCESS, "kong.router.get_route", function(current) return current.route end),
  get_service = within(FROM_ACCESS, "kong.router.get_service", function(current) return current.service end),
}

-- kong.service: what the backend gets, and what it says
kong.service = { request = {}, response = {} }
local function sends(name, fn) kong.service.request[name] = within(BEFORE_SERVICE, "kong.service.request." .. name, fn) end
sends("set_header", function(current, name, value)
  expect_text(name, "header name")
  current.sent.headers[name:lower()] = tostring(value)
end)
sends("add_header", function(current, name, value)
  local before = current.sent.headers[name:lower()]
  current.sent.headers[name:lower()] = before and before .. ", " .. tostring(value) or tostring(value)
end)
sends("clear_header", function(current, name) current.sent.headers[name:lower()] = false end)
sends("set_headers", function(current, headers)
  for name, value in pairs(headers) do current.sent.headers[name:lower()] = tostring(first(value)) end
end)
sends("set_path", function(current, path)
  if path:sub(1, 1) ~= "/" then error("path must start with /", 3) end
  current.sent.path = path
end)
sends("set_raw_query", function(current, query) current.sent.raw_query = query end)
sends("set_query", function(current, query) current.sent.raw_query = ngx.encode_args(query) end)
sends("set_method", function(current, method) current.sent.method = method end)
sends("set_raw_body", function(current, body) current.sent.body = body end)
kong.service.set_target = within("access, balancer", "kong.service.set_target", function(current, name, port)
  current.sent.host, current.sent.port = name, port
end)
local function served(name, fn) kong.service.response[name] = within(AFTER_SERVICE, "kong.service.response." .. name, fn) end
served("get_status", function(current) return current.service_status end)
served("get_header", function(current, name)
  return current.service_status and first(current.service_headers[name:lower()])
end)
served("get_headers", function(current) return copied(current.service_headers or {}) end)

-- kong.response: what the caller gets
kong.response = {}
local function answers(name, phases, fn) kong.response[name] = within(phases, "kong.response." .. name, fn) end
answers("get_status", AFTER_SERVICE, function(current) return current.response.status end)
answers("get_header", AFTER_SERVICE, function(current, name)
  expect_text(name, "header name")
  return first(current.response.headers[name:lower()])
end)
answers("get_headers", AFTER_SERVICE, function(current) return copied(current.response.headers) end)
answers("get_source", AFTER_SERVICE, function(current) return current.source end)
answers("set_status", BEFORE_BODY, function(current, status)
  if type(status) ~= "number" then error("code must be a number", 3) end
  current.response.status = status
end)
answers("set_header", BEFORE_BODY, function(current, name, value)
  expect_text(name, "header name")
  local kind = type(value)
  if kind ~= "string" and kind ~= "number" and kind ~= "boolean" then
    error(("invalid header value for %q: got %s, expected array of string, string, number or boolean")
      :format(name, kind), 3)
  end
  current.response.headers[name:lower()] = tostring(value)
end)
answers("add_header", BEFORE_BODY, function(current, name, value)
  local before = current.response.headers[name:lower()]
  current.response.headers[name:lower()] = before and before .. ", " .. tostring(value) or tostring(value)
end)
answers("clear_header", BEFORE_BODY, function(current, name) current.response.headers[name:lower()] = nil end)
answers("set_headers", BEFORE_BODY, function(current, headers)
  for name, value in pairs(headers) do current.response.headers[name:lower()] = tostring(first(value)) end
end)
answers("get_raw_body", "body_filter", function(current) return current.arg[1] end)
answers("set_raw_body", "body_filter", function(current, body) current.arg[1] = body end)

-- Ends the request: other plugins' access does not run any more, their later phases do.
answers("exit", "rewrite, access, preread", function(current, status, body, headers)
  if type(status) ~= "number" then error("code must be a number", 3) end
  local said = current.response
  said.status = status
  for name, value in pairs(headers or {}) do said.headers[name:lower()] = tostring(first(value)) end
  if type(body) == "table" then
    said.body = package.loaded["cjson"].encode(body)
    said.headers["content-type"] = said.headers["content-type"] or "application/json; charset=utf-8"
  else
    said.body = body or ""
  end
  current.source = "exit"
  worker.wish("exit", {})
end)
kong.response.error = function(status, message, headers)
  return kong.response.exit(status, { message = message }, headers)
end

-- kong.node, kong.plugin, kong.ctx
kong.node = {
  get_id = function() return host.node_id end,
  get_hostname = function() return host.hostname end,
}
kong.plugin = { get_id = within(REQUEST, "kong.plugin.get_id", function(current) return current.plugin_id end) }
kong.ctx = setmetatable({}, {
  __index = function(_, name)
    local current = worker.current
    if not current or not current.request then error("no request found", 2) end
    if name == "shared" then return current.shared end
    if name == "plugin" then
      local key = current.plugin_name
      current.plugins[key] = current.plugins[key] or {}
      return current.plugins[key]
    end
    return nil
  end,
})
kong.table = { new = table.new, clear = table.clear }

-- kong.cache: one worker's own here, as long as the worker lives
local cached = {}
kong.cache = {
  get = function(_, key, options, load, ...)
    local row = cached[key]
    if row and (not row.ends or row.ends > ngx.now()) then return row.value end
    local value, fault = load(...)
    if fault then return nil, fault end
    local ttl = options and options.ttl
    cached[key] = { value = value, ends = ttl and ttl > 0 and ngx.now() + ttl or nil }
    return value
  end,
  probe = function(_, key) return cached[key] and 1 or nil, nil, cached[key] and cached[key].value end,
  invalidate = function(_, key) cached[key] = nil end,
  invalidate_local = function(_, key) cached[key] = nil end,
}
return kong
