-- Asks Aforo: in the request path where nothing is at hand, ahead of need by a timer otherwise. One asks, others wait.
local edge = require "kong.plugins.aforo.edge"
local leases = require "kong.plugins.aforo.leases"

local asking = {}
local null = require("cjson.safe").null
local LEAST_LIFE, KEPT_SECONDS, REFUSED_SECONDS, STOPS_BEFORE = 1, 5, 1, 5
local days_before = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334 }

local function told(value)
  if value == null then return nil end
  return value
end

-- Seconds since 1970 of a time in UTC, such as 2026-11-22T14:05:42.000Z.
local function seconds(text)
  local year, month, day, hour, minute, second = text:match("^(%d+)-(%d+)-(%d+)T(%d+):(%d+):([%d.]+)Z$")
  year, month = tonumber(year), tonumber(month)
  local leap = (year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0) and month > 2) and 1 or 0
  local before = year - 1
  local days = before * 365 + math.floor(before / 4) - math.floor(before / 100) + math.floor(before / 400) - 719162
  return (days + days_before[month] + leap + day - 1) * 86400 + hour * 3600 + minute * 60 + second
end

local function terms(answer, lease)
  return {
    fail = lease.failMode, outage = told(lease.outageUnits), plan = told(answer.plan), customer = told(answer.customerId),
  }
end

-- What Aforo said, as it is kept.
local function record(who, answer, version)
  local lease, now = told(answer.lease), ngx.now()
  local said = {
    version = version, subjects = { who.native_id, who.subject, "*" }, headers = answer.headers,
    customer = told(answer.customerId), plan = told(answer.plan), remaining = told(answer.remaining),
    margin = answer.margin, enforced = answer.enforcement == "enforce", reason = answer.reason,
  }
  if not answer.allowed then
    local retry = told(answer.retryAfterSeconds)
    said.kind, said.status = "refusal", answer.status
    said.retry_at = retry and now + retry
    said.ends = now + REFUSED_SECONDS
  elseif lease then
    said.kind, said.id, said.units = "lease", lease.id, tonumber(lease.units)
    said.ends = math.max(seconds(lease.expiresAt) - STOPS_BEFORE, now + LEAST_LIFE)
    said.rate, said.throttle = told(lease.ratePerSecond), lease.throttleRate
    said.terms = terms(answer, lease)
  else
    said.kind, said.ends = "pass", now + KEPT_SECONDS
  end
  return said
end

local function question(line, who, units)
  return {
    credential = { integrationId = line.id, type = who.type, nativeId = who.native_id },
    product = who.product, metric = who.metric, units = units,
  }
end

local function lease(line, who, follows)
  leases.asks(line)
  local version = leases.version(line)
  local asked = question(line, who, 1)
  asked.want, asked.nodeId, asked.epoch = line.conf.lease_units, line.node, line.epoch
  local answer = edge.ask(line, "/v1/leases", asked)
  if not answer then return nil end
  local said = record(who, answer, version)
  leases.outage_is_over(line, who.k)
  if said.reason == "margin_throttled" then return said end
  if follows and said.kind ~= "lease" then return said end
  leases.put(line, who.k, said, follows)
  return said
end

-- About this call alone, where its turn is Aforo's to know or units are scarce. Nil while Aforo cannot be asked.
function asking.check(line, who, units)
  if edge.rests(line) then return nil end
  local answer = edge.ask(line, "/v1/check", question(line, who, units))
  if not answer then return nil end
  local said = record(who, answer, leases.version(line))
  if said.kind ~= "refusal" then said.decision = answer.decisionId end
  return said
end

-- Called in access where nothing is at hand; gives what was said or has come to hand, or nil.
function asking.now(line, who, at_hand)
  if edge.rests(line) then return nil end
  local patience = line.conf.timeout_ms / 1000
  if leases.alone(line, who.k, patience * 3) then
    local said = lease(line, who, false)
    leases.done(line, who.k)
    return said and said.reason ~= "margin_throttled" and said or nil
  end
  local until_then = ngx.now() + patience
  while ngx.now() < until_then and not edge.rests(line) do
    ngx.sleep(0.005)
    local said = at_hand()
    if said then return said end
  end
  return nil
end

-- Have the next lease ready before this one runs out; never waits.
function asking.ahead(line, who, said, left)
  local low = left <= said.units / 4
  if not low and said.ends - ngx.now() > 5 then return end
  if said.ahead or not leases.alone(line, who.k, 2) then return end
  said.ahead = true
  local going = ngx.timer.at(0, function(premature)
    if not leases.has_next(line, who.k) and (premature or edge.rests(line) or not lease(line, who, true)) then
      said.ahead = nil
    end
    leases.done(line, who.k)
  end)
  if not going then leases.done(line, who.k) end
end

-- Once a second: what this worker took and nobody uses any more goes back. Units that are all used need no word.
function asking.settle(line)
  local now = ngx.now()
  for id, one in pairs(line.mine) do
    if one.ends <= now or not leases.holds(line, one.k, id) then
      one.over = one.over or now
      local left = leases.left(line, id)
      if not left or left <= 0 or now - one.over > 60 then
        line.mine[id] = nil
        leases.forget(line, id)
      elseif now - one.over >= 1 and edge.settle(line, id, one.units - left) then
        line.mine[id] = nil
        leases.forget(line, id)
      end
    end
  end
end

return asking
