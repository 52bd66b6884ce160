-- Libraries that Kong brings along, under the names by which plugins require them.
local host, worker = ...
local loaded = package.loaded

loaded["table.new"] = function() return {} end
loaded["table.clear"] = function(one) for key in pairs(one) do one[key] = nil end end
loaded["table.nkeys"] = function(one)
  local count = 0
  for _ in pairs(one) do count = count + 1 end
  return count
end
loaded["table.isempty"] = function(one) return next(one) == nil end
table.new, table.clear = loaded["table.new"], loaded["table.clear"]

loaded["resty.string"] = {
  to_hex = function(text)
    return (text:gsub(".", function(one) return ("%02x"):format(one:byte()) end))
  end,
}

loaded["resty.sha256"] = {
  new = function()
    local parts = {}
    return {
      update = function(_, text) parts[#parts + 1] = text return true end,
      final = function() return host.digest_bin("sha256", table.concat(parts)) end,
      reset = function() parts = {} end,
    }
  end,
}
loaded["resty.random"] = { bytes = function(count) return host.random(count) end }

-- Least recently used go first; one worker's own.
local Lru = {}
Lru.__index = Lru
function Lru.new(size) return setmetatable({ size = size, rows = {}, order = {}, count = 0 }, Lru) end
function Lru:get(key)
  local row = self.rows[key]
  if not row then return nil end
  self.count = self.count + 1
  row.used = self.count
  if row.ends and row.ends < ngx.now() then return nil, row.value end
  return row.value
end
function Lru:set(key, value, ttl)
  self.count = self.count + 1
  self.rows[key] = { value = value, used = self.count, ends = ttl and ngx.now() + ttl }
  local oldest, held = nil, 0
  for name, row in pairs(self.rows) do
    held = held + 1
    if not oldest or row.used < self.rows[oldest].used then oldest = name end
  end
  if held > self.size then self.rows[oldest] = nil end
end
function Lru:delete(key) self.rows[key] = nil end
function Lru:flush_all() self.rows = {} end
loaded["resty.lrucache"] = Lru

-- resty.http: whole requests over real sockets. Reading a body bit by bit is not there.
local Http = {}
Http.__index = Http
function Http.new() return setmetatable({ connect_ms = 60000, send_ms = 60000, read_ms = 60000 }, Http) end
function Http:set_timeout(ms) self.connect_ms, self.send_ms, self.read_ms = ms, ms, ms end
function Http:set_timeouts(connect, send, read)
  self.connect_ms, self.send_ms, self.read_ms = connect or self.connect_ms, send or self.send_ms, read or self.read_ms
end
function Http:set_keepalive() return 1 end
function Http:close() return 1 end

local Headers = {
  __index = function(found, name) return rawget(found, type(name) == "string" and name:lower() or name) end,
}

function Http:request_uri(uri, params)
  worker.refuse_waiting()
  params = params or {}
  local query = params.query
  if type(query) == "table" then query = ngx.encode_args(query) end
  if params.path then uri = uri:match("^%a+://[^/]+") .. params.path end
  if query and query ~= "" then uri = uri .. (uri:find("?", 1, true) and "&" or "?") .. query:gsub("^%?", "") end
  local told, fault = worker.wish("http", {
    method = params.method or "GET", url = uri, headers = params.headers or {}, body = params.body,
    connect_ms = self.connect_ms, send_ms = self.send_ms, read_ms = self.read_ms,
  })
  if not told then return nil, fault end
  local headers = setmetatable({}, Headers)
  for name, value in told.headers:gmatch("([^\n]-): ([^\n]*)\n") do headers[name:lower()] = value end
  return { status = told.status, reason = told.reason, headers = headers, body = told.body, has_body = #told.body > 0 }
end
loaded["resty.http"] = Http
