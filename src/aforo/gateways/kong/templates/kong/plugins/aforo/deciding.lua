-- Whether a call passes: from a lease at hand, else by asking, else by what was agreed for an outage.
local asking = require "kong.plugins.aforo.asking"
local leases = require "kong.plugins.aforo.leases"
local lines = require "kong.plugins.aforo.lines"

local deciding = {}
local RATE_LIMITED = { kind = "refusal", reason = "rate_limited", status = 429 }
local THROTTLED = { kind = "refusal", reason = "margin_throttled", status = 429 }

-- The node's share of the plan's rate, as a bucket of so many seconds' worth; at least one call fits.
local function within_rate(line, k, rate, units)
  local name, now = lines.key(line, "T", k), ngx.now()
  local most = math.max(line.conf.rate_burst_seconds, units / rate)
  local filled = math.max(lines.shared:get(name) or now, now) + units / rate
  if filled - now > most + 1e-6 then return false, filled - now - most end
  lines.shared:set(name, filled, most + 1)
  return true
end

-- Of a hundred calls so many pass, spread evenly.
local function has_turn(line, k, percent)
  local count = lines.shared:incr(lines.key(line, "M", k), 1, 0)
  return math.floor(count * percent / 100) > math.floor((count - 1) * percent / 100)
end

local function refused(like, said, seconds)
  return { kind = like.kind, reason = like.reason, status = like.status, plan = said.plan, customer = said.customer,
    enforced = said.enforced, headers = { ["X-Aforo-Plan"] = said.plan, ["X-Margin-Guard-Level"] =
    like == THROTTLED and "L2" or nil }, retry_at = ngx.now() + seconds }
end

-- From what is in memory alone: what was said and the units left, or nil.
local function at_hand(line, who, units)
  for _ = 1, 3 do
    local said = leases.current(line, who.k)
    if not said or said.kind ~= "lease" then return said end
    if said.enforced and said.throttle and said.throttle < 100 and not has_turn(line, who.k, said.throttle) then
      return refused(THROTTLED, said, 60)
    end
    if said.enforced and said.rate then
      local good, wait = within_rate(line, who.k, said.rate, units)
      if not good then return refused(RATE_LIMITED, said, wait) end
    end
    local left = leases.take(line, said, units)
    if left then return said, left end
    if not leases.promote(line, who.k, said) then return nil end
  end
  return nil
end

-- Aforo cannot be asked: the plan's fail mode, else the plugin's. Nothing is refused that would only be observed.
local function outage(line, who, units)
  local terms = leases.terms(line, who.k)
  local mode = terms.fail or line.conf.fail_mode
  local passes = mode == "open"
  if mode == "open_up_to" then passes = leases.takes_outage_unit(line, who.k, units, tonumber(terms.outage) or 0) end
  if passes then return { kind = "pass", customer = terms.customer, plan = terms.plan } end
  return { kind = "refusal", reason = "unreachable", status = 503, retry_at = ngx.now() + 5, plan = terms.plan,
    customer = terms.customer, enforced = true }
end

-- Nothing is at hand: ask for a lease, or let somebody else's asking help; where that is spent at once, ask for this call.
local function asked(line, who, units)
  local left
  local said = asking.now(line, who, function()
    local found
    found, left = at_hand(line, who, units)
    return found
  end)
  if said and said.kind == "lease" and not left then said, left = at_hand(line, who, units) end
  if said then return said, left end
  return asking.check(line, who, units), nil
end

-- What holds for this call, and the units left in its lease.
function deciding.decide(line, who, units)
  local said, left = at_hand(line, who, units)
  if not said then said, left = asked(line, who, units) end
  if not said then return outage(line, who, units), nil end
  if left then asking.ahead(line, who, said, left) end
  return said, left
end

return deciding
