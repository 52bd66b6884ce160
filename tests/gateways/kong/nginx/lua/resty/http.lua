-- Stands in for lua-resty-http, which Kong ships and Debian does not: whole requests over nginx's own sockets.
local http = {}
http.__index = http

function http.new() return setmetatable({ sock = ngx.socket.tcp() }, http) end

function http:set_timeouts(connect, send, read) self.sock:settimeouts(connect, send, read) end

local function headers_of(sock)
  local found = {}
  while true do
    local line, fault = sock:receive("*l")
    if not line then return nil, fault end
    if line == "" then return found end
    local name, value = line:match("^([^:]+):%s*(.-)%s*$")
    if name then found[name:lower()] = value end
  end
end

local function in_chunks(sock)
  local parts = {}
  while true do
    local line, fault = sock:receive("*l")
    if not line then return nil, fault end
    local size = tonumber(line:match("^%x+"), 16)
    if size == 0 then
      sock:receive("*l")
      return table.concat(parts)
    end
    local part
    part, fault = sock:receive(size)
    if not part then return nil, fault end
    parts[#parts + 1] = part
    sock:receive(2)
  end
end

local function body_of(sock, status, headers)
  if status == 204 or status == 304 then return "" end
  if headers["transfer-encoding"] == "chunked" then return in_chunks(sock) end
  local size = tonumber(headers["content-length"])
  if size == 0 then return "" end
  return sock:receive(size or "*a")
end

local function written(params, host, path)
  local lines = { params.method .. " " .. path .. " HTTP/1.1", "Host: " .. host }
  for name, value in pairs(params.headers) do lines[#lines + 1] = name .. ": " .. value end
  if params.body then lines[#lines + 1] = "Content-Length: " .. #params.body end
  return table.concat(lines, "\r\n") .. "\r\n\r\n" .. (params.body or "")
end

local function answer(sock)
  local line, fault = sock:receive("*l")
  if not line then return nil, fault end
  local status = tonumber(line:match("^HTTP/1%.%d (%d+)"))
  local headers, body
  headers, fault = headers_of(sock)
  if not headers then return nil, fault end
  body, fault = body_of(sock, status, headers)
  if not body then return nil, fault end
  return { status = status, headers = headers, body = body }
end

function http:request_uri(uri, params)
  local host, port, path = uri:match("^http://([^/:]+):(%d+)(/.*)$")
  local sock = self.sock
  local good, fault = sock:connect(host, tonumber(port), { pool_size = params.keepalive_pool })
  if not good then return nil, fault end
  good, fault = sock:send(written(params, host .. ":" .. port, path))
  if not good then return nil, fault end
  local told
  told, fault = answer(sock)
  if not told then
    sock:close()
    return nil, fault
  end
  if told.headers["connection"] == "close" then sock:close() else sock:setkeepalive(params.keepalive_timeout) end
  return told
end

return http
