-- Calls that passed, on their way to Aforo: a ring in memory, a file, the edge. Appending never waits and never fails.
local edge = require "kong.plugins.aforo.edge"
local json = require "cjson.safe"

local meter = {}
local BATCH, BATCH_BYTES = 1000, 1024 * 1024

local function place(line, worker, kind)
  local folder = line.conf.spool_dir or kong.configuration.prefix
  return folder .. "/aforo-" .. line.id .. "-" .. worker .. "." .. kind
end

-- The log phase's only work. When the ring is full the oldest goes, and is counted.
function meter.push(line, event)
  line.seq = line.seq + 1
  event.seq = line.seq
  line.last = line.last + 1
  line.ring[line.last] = event
  if line.last - line.first >= line.conf.ring_size then
    line.ring[line.first] = nil
    line.first = line.first + 1
    line.lost = line.lost + 1
  end
end

local function as_sent(line, event)
  event.productType = "API"
  event.nodeId, event.epoch = line.node, line.epoch
  event.idempotencyKey = line.node .. ":" .. ("%.0f"):format(line.epoch) .. ":" .. event.seq
  return json.encode(event)
end

local function ends_torn(name)
  local file = io.open(name, "r")
  if not file then return false end
  local size = file:seek("end")
  local torn = size > 0 and file:seek("set", size - 1) and file:read(1) ~= "\n"
  file:close()
  return torn
end

local function spool(line)
  if not line.file then
    local name = place(line, line.worker, "spool")
    local torn, fault = ends_torn(name), nil
    line.file, fault = io.open(name, "a")
    if not line.file then return nil, fault end
    if torn then line.file:write("\n") end
  end
  return line.file
end

-- Ten times a second: what was counted since goes to the file; from then on it outlives the process.
function meter.flush(line)
  if line.lost > 0 then
    kong.log.err(line.lost, " metered calls were lost: the ring of ", line.conf.ring_size, " was full")
    line.lost = 0
  end
  if line.first > line.last then return end
  local file, fault = spool(line)
  if file and file:seek("end") > line.conf.spool_mb * 1048576 then file, fault = nil, "it is full" end
  if not file then
    if not line.complained then kong.log.err("metered calls cannot be written to the spool: ", fault) end
    line.complained = true
    return
  end
  line.complained = nil
  local rows = {}
  for index = line.first, line.last do
    rows[#rows + 1] = as_sent(line, line.ring[index])
    line.ring[index] = nil
  end
  line.first, line.last = 1, 0
  file:write(table.concat(rows, "\n"), "\n")
  file:flush()
end

local function exists(name)
  local file = io.open(name, "r")
  if file then file:close() end
  return file ~= nil
end

-- The file that is being sent: a former one, this worker's own, or that of a worker that is no more.
local function outgoing(line)
  local sending = place(line, line.worker, "sending")
  if exists(sending) then return sending end
  local own = place(line, line.worker, "spool")
  if line.file and line.file:seek("end") == 0 then return nil end
  if line.file then
    line.file:close()
    line.file = nil
  end
  if os.rename(own, sending) then return sending end
  if line.worker ~= 0 then return nil end
  for other = ngx.worker.count(), ngx.worker.count() + 31 do
    for _, kind in ipairs { "sending", "spool" } do
      if os.rename(place(line, other, kind), sending) then return sending end
    end
  end
  return nil
end

local function batch(file)
  local rows, bytes = {}, 0
  while #rows < BATCH and bytes < BATCH_BYTES do
    local row = file:read("*l")
    if not row then break end
    if json.decode(row) then
      rows[#rows + 1] = row
      bytes = bytes + #row
    end
  end
  return rows
end

-- Send what the file holds, batch by batch; it goes when its last one has been taken. Sent twice, it counts once.
local function deliver(line, name)
  local file = io.open(name, "r")
  if not file then return false end
  file:seek("set", line.sent or 0)
  while true do
    local rows = batch(file)
    if #rows == 0 then break end
    local done, fault, told = edge.ingest(line, '{"events":[' .. table.concat(rows, ",") .. "]}")
    if not done then
      file:close()
      return false
    end
    if fault then kong.log.err(#rows, " metered calls are not taken by Aforo: ", fault) end
    if told and told.failed and told.failed > 0 then
      kong.log.warn(told.failed, " metered calls went to Aforo's dead letters")
    end
    line.sent = file:seek()
  end
  file:close()
  os.remove(name)
  line.sent = nil
  return true
end

-- Twice a second, one at a time a worker; after a failure it rests, at most half a minute.
function meter.send(line)
  if line.sending or (line.resting or 0) > ngx.now() then return end
  local name = outgoing(line)
  if not name then return end
  line.sending = true
  local good, done = pcall(deliver, line, name)
  line.sending = false
  if good and done then
    line.pause = nil
  else
    line.pause = math.min((line.pause or 0.5) * 2, 30)
    line.resting = ngx.now() + line.pause
    if not good then kong.log.err("the spool cannot be sent: ", done) end
  end
end

return meter
