-- Waits for news of revocations, suspensions and plans, so that a lease is dropped within a second. One worker a node.
local edge = require "kong.plugins.aforo.edge"
local leases = require "kong.plugins.aforo.leases"
local lines = require "kong.plugins.aforo.lines"

local changes = {}
local HELD_SECONDS = 60

local function subjects_of(found)
  local subjects = {}
  for _, change in ipairs(found) do
    if change.kind:find("^credential%.") then
      subjects[#subjects + 1] = change.subject
    elseif change.kind:find("^subscription%.") then
      subjects[#subjects + 1] = change.subject
      if change.kind ~= "subscription.created" then subjects[#subjects + 1] = "?" end
    else
      subjects[#subjects + 1] = "*"
    end
  end
  return subjects
end

-- Up to where the news are known stands in shared memory, so that another worker can go on from there.
local function look(line)
  local name = lines.key(line, "S")
  local since = lines.shared:get(name)
  local told = edge.changes(line, since)
  if not told then return 1 end
  if since and #told.changes > 0 then
    leases.changed(line, subjects_of(told.changes))
  elseif not since and leases.any(line) then
    leases.changed(line, { "*" }) -- what was said before the first answer may have missed a change
  end
  lines.shared:set(name, told.version)
  return 0
end

local function mine(line)
  local name, me = lines.key(line, "P"), ngx.worker.id()
  if not lines.shared:add(name, me, HELD_SECONDS) and lines.shared:get(name) ~= me then return false end
  lines.shared:set(name, me, HELD_SECONDS)
  return true
end

local function turn(premature, line)
  if premature or ngx.worker.exiting() then
    if lines.shared:get(lines.key(line, "P")) == ngx.worker.id() then lines.shared:delete(lines.key(line, "P")) end
    return
  end
  local rest = 1
  if not line.retired and mine(line) then
    local good, found = pcall(look, line)
    if good then rest = found else kong.log.err("changes could not be read: ", found) end
  end
  ngx.timer.at(rest, turn, line)
end

function changes.begin(line) ngx.timer.at(0, turn, line) end

return changes
