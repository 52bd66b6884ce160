-- Aforo at Kong: checks a call before the backend gets it, and meters it once the answer is there.
local asking = require "kong.plugins.aforo.asking"
local changes = require "kong.plugins.aforo.changes"
local deciding = require "kong.plugins.aforo.deciding"
local identity = require "kong.plugins.aforo.identity"
local leases = require "kong.plugins.aforo.leases"
local lines = require "kong.plugins.aforo.lines"
local meter = require "kong.plugins.aforo.meter"
local quantities = require "kong.plugins.aforo.quantities"
local refusals = require "kong.plugins.aforo.refusals"

-- After authentication, acl and rate-limiting: what they refuse takes nothing from a lease.
local Aforo = { PRIORITY = 850, VERSION = "0.1.0" }

local function begin(line)
  line.worker = ngx.worker.id() or 0
  line.node = kong.node.get_id() .. "-" .. line.worker
  line.epoch = math.floor(ngx.now() * 1000)
  changes.begin(line)
end

local function for_each_line(work)
  return function()
    for _, line in pairs(lines.by_id) do
      local good, fault = pcall(work, line)
      if not good then kong.log.err(fault) end
    end
  end
end

function Aforo:init_worker()
  lines.begin = begin
  ngx.timer.every(0.1, for_each_line(meter.flush))
  ngx.timer.every(0.5, for_each_line(meter.send))
  ngx.timer.every(1, for_each_line(asking.settle))
end

function Aforo:configure(configs) lines.configure(configs) end

local function is_preflight()
  return kong.request.get_method() == "OPTIONS" and kong.request.get_header("origin")
    and kong.request.get_header("access-control-request-method")
end

-- By whole segments. A path that a backend may read in two ways is not excluded, whatever it begins with.
local function is_excluded(conf)
  local path = kong.request.get_path()
  local lower = path:lower()
  for _, twofold in ipairs({ "..", "//", "\\", ";", "%2e", "%2f", "%5c", "%3b" }) do
    if lower:find(twofold, 1, true) then return false end
  end
  for _, written in ipairs(conf.excluded_paths or {}) do
    local prefix = written:gsub("/+$", "")
    if prefix ~= "" and (path == prefix or path:sub(1, #prefix + 1) == prefix .. "/") then return true end
  end
  return false
end

function Aforo:access(conf)
  local line, call = lines.of(conf), { begun = ngx.now() }
  kong.ctx.plugin.call = call
  if kong.request.get_header("x-margin-guard-warning") then
    kong.service.request.clear_header("x-margin-guard-warning") -- ours alone
  end
  local who = identity.of(conf)
  call.who = who
  if is_preflight() or is_excluded(conf) then return end
  local units = quantities.before(conf)
  local said, left = deciding.decide(line, who, units)
  if said.kind == "refusal" and said.enforced and conf.enforce then
    call.refused = true
    return kong.response.exit(refusals.of(said))
  end
  call.said, call.left, call.units = said, left, left and units
  if said.margin == "L1_ALERT" then kong.service.request.set_header("X-Margin-Guard-Warning", "margin-low") end
end

local function remaining(said, left)
  if not said.remaining then return nil end
  return ("%.14g"):format(tonumber(said.remaining) + (left or 0))
end

local function tell(name, value)
  if value then
    kong.response.set_header(name, value)
  elseif kong.response.get_header(name) then
    kong.response.clear_header(name)
  end
end

function Aforo:header_filter(conf)
  local call = kong.ctx.plugin.call
  if not call or call.refused then return end
  local said = call.said or {}
  tell("X-Aforo-Remaining", said.kind ~= "refusal" and remaining(said, call.left) or nil)
  tell("X-Aforo-Plan", said.plan)
  tell("X-RateLimit-Warning", said.headers and said.headers["X-RateLimit-Warning"])
end

function Aforo:log(conf)
  local call = kong.ctx.plugin.call
  if not call or call.refused then return end
  local line, said, held = lines.of(conf), call.said or {}, call.units
  local lease = held and said.id
  if kong.response.get_source() ~= "service" then
    if lease then leases.give_back(line, lease, held) end
    return
  end
  local quantity = quantities.after(conf)
  if lease and quantity ~= held then leases.give_back(line, lease, held - quantity) end
  if quantity <= 0 then return end
  meter.push(line, {
    customerId = said.customer or "unattributed", metricName = call.who.metric, quantity = quantity,
    occurredAt = math.floor(call.begun * 1000), endpointPath = kong.request.get_path(),
    httpMethod = kong.request.get_method(), statusCode = kong.response.get_status(),
    responseTimeMs = math.max(0, math.floor((ngx.now() - call.begun) * 1000)),
    product = call.who.product, integrationId = line.id, leaseId = lease or nil, decisionId = said.decision,
    credential = call.who.native_id ~= "-" and
      { integrationId = line.id, type = call.who.type, nativeId = call.who.native_id } or nil,
  })
end

return Aforo
