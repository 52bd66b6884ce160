-- What Aforo has said of a caller, kept in memory that all workers share: a lease, a pass, or a refusal.
--
-- A key names credential, product and metric. Per key there is what works now (L), what follows it (X), and what was
-- last known for an outage (O). A lease's units that are left are a number of their own (N), taken from atomically.
local json = require "cjson.safe"
local lines = require "kong.plugins.aforo.lines"

local leases = {}
local shared, key, now = lines.shared, lines.key, ngx.now
local read_before, most, held = {}, 20000, 0

-- Decoded once for each value; what is kept of it is thrown away when it grows large.
local function read(name)
  local raw = shared:get(name)
  if not raw then return nil end
  local record = read_before[name]
  if record and record.raw == raw then return record end
  if not record then held = held + 1 end
  if held > most then read_before, held = {}, 1 end
  record = json.decode(raw)
  record.raw = raw
  read_before[name] = record
  return record
end

-- Whether Aforo has told of a change since this was said. Looked at once for each change that comes in.
local function overtaken(line, record)
  local newest = shared:get(key(line, "V")) or 0
  if record.seen == newest then return false end
  for _, subject in ipairs(record.subjects) do
    if (shared:get(key(line, "R", subject)) or 0) > record.version then return true end
  end
  record.seen = newest
  return false
end

function leases.version(line) return shared:get(key(line, "V")) or 0 end

-- What holds for the key now; nil where Aforo has to be asked.
function leases.current(line, k)
  local record = read(key(line, "L", k))
  if not record then return nil end
  if now() < record.ends and not overtaken(line, record) then return record end
  if record.ends <= now() and leases.promote(line, k, record) then return leases.current(line, k) end
  shared:delete(key(line, "L", k))
  return nil
end

-- The next lease takes the place of this one. Whether there is another than `record` now.
function leases.promote(line, k, record)
  local next_key, current_key = key(line, "X", k), key(line, "L", k)
  local following = read(next_key)
  if following and not overtaken(line, following) then
    shared:delete(next_key)
    shared:set(current_key, following.raw, following.ends - now() + 1)
    return true
  end
  local current = read(current_key)
  return current ~= nil and current.raw ~= record.raw
end

-- Units left after taking some; nil where so many are not there.
function leases.take(line, record, units)
  local left = shared:incr(key(line, "N", record.id), -units)
  if not left then return nil end
  if left < 0 then
    shared:incr(key(line, "N", record.id), units)
    return nil
  end
  return left
end

-- Units that were not used after all, or (negative) some more than were taken.
function leases.give_back(line, lease_id, units) shared:incr(key(line, "N", lease_id), units) end

function leases.left(line, lease_id) return shared:get(key(line, "N", lease_id)) end

function leases.forget(line, lease_id) shared:delete(key(line, "N", lease_id)) end

-- Keep what Aforo has just said; `follows` while an earlier lease still has units.
function leases.put(line, k, record, follows)
  local life = record.ends - now()
  if life <= 0 then return end
  if record.kind == "lease" then
    shared:set(key(line, "N", record.id), record.units, life + 60)
    line.mine[record.id] = { k = k, units = record.units, ends = record.ends }
  end
  if record.terms then shared:set(key(line, "O", k), json.encode(record.terms)) end
  local raw = json.encode(record)
  shared:set(key(line, follows and "X" or "L", k), raw, life + 1)
end

-- Whether anything was ever asked.
function leases.any(line) return shared:get(key(line, "A")) ~= nil end
function leases.asks(line) shared:set(key(line, "A"), 1) end

-- Whether another lease waits for its turn.
function leases.has_next(line, k) return shared:get(key(line, "X", k)) ~= nil end

function leases.holds(line, k, lease_id)
  local current, following = read(key(line, "L", k)), read(key(line, "X", k))
  return (current ~= nil and current.id == lease_id) or (following ~= nil and following.id == lease_id)
end

-- What was last known of the caller's plan, for while Aforo cannot be reached.
function leases.terms(line, k) return read(key(line, "O", k)) or {} end

function leases.takes_outage_unit(line, k, units, most)
  local used = shared:incr(key(line, "U", k), units, 0)
  if used <= most then return true end
  shared:incr(key(line, "U", k), -units)
  return false
end

function leases.outage_is_over(line, k) shared:delete(key(line, "U", k)) end

-- One of all workers does what is named, for at most so long.
function leases.alone(line, what, seconds) return (shared:add(key(line, "F", what), 1, seconds)) end
function leases.done(line, what) shared:delete(key(line, "F", what)) end

-- Something has changed at Aforo: whatever was said of these subjects before must be asked again.
function leases.changed(line, subjects)
  local newest = shared:incr(key(line, "V"), 1, 0)
  for _, subject in ipairs(subjects) do shared:set(key(line, "R", subject), newest) end
end

return leases
