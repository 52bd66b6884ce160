-- Aforo's edge over HTTP. A fault is a value: what was wrong, in few words.
local http = require "resty.http"
local json = require "cjson.safe"
local lines = require "kong.plugins.aforo.lines"

local edge = {}
local REST_SECONDS = 1

local function call(line, method, path, body, read_ms)
  local conf, client = line.conf, http.new()
  client:set_timeouts(conf.timeout_ms, conf.timeout_ms, read_ms or conf.timeout_ms)
  local answer, fault = client:request_uri((conf.edge_url:gsub("/+$", "")) .. path, {
    method = method,
    body = body,
    headers = { ["Authorization"] = "Bearer " .. conf.api_key, ["Content-Type"] = "application/json" },
    keepalive_timeout = 60000,
    keepalive_pool = 32,
  })
  if not answer then return nil, fault, 0 end
  if answer.status >= 300 then
    local told = json.decode(answer.body)
    return nil, "HTTP " .. answer.status .. " " .. tostring(told and told.code or ""), answer.status
  end
  local told = json.decode(answer.body)
  if type(told) ~= "table" then return nil, "no JSON", answer.status end
  return told, nil, answer.status
end

-- After a failure nobody asks for a second, so that an outage costs a time-out a second and not one a call.
function edge.rests(line) return lines.shared:get(lines.key(line, "down")) ~= nil end

local function failed(line, what, fault)
  lines.shared:set(lines.key(line, "down"), 1, REST_SECONDS)
  if lines.shared:add(lines.key(line, "told"), 1, 30) then
    kong.log.err("Aforo's edge at ", line.conf.edge_url, " does not ", what, ": ", fault)
  end
end

-- An answer to a question of the request path: nil while Aforo cannot be asked.
function edge.ask(line, path, question)
  local told, fault = call(line, "POST", path, json.encode(question))
  if not told then failed(line, "answer", fault) end
  return told
end

function edge.settle(line, lease_id, used)
  local told, fault, status = call(line, "POST", "/v1/leases/" .. lease_id .. "/settle",
    json.encode { used = used, final = true }, 2000)
  return told ~= nil or status == 404 or status == 409, fault
end

function edge.changes(line, since)
  local query = since and ("?wait=20&since=" .. ("%.0f"):format(since)) or ""
  return call(line, "GET", "/v1/changes" .. query, nil, 25000)
end

-- Whether a batch is done with: taken, or such as never will be.
function edge.ingest(line, body)
  local told, fault, status = call(line, "POST", "/v1/ingest", body, 10000)
  if told then return true, nil, told end
  return status == 400 or status == 413 or status == 422, fault
end

return edge
