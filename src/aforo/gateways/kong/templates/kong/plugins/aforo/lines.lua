-- A line is one integration's way to Aforo: its newest configuration, and what this worker holds for it.
local lines = { by_id = {} }

local shared = ngx.shared.aforo or ngx.shared.kong
lines.shared = shared

local function fresh(conf)
  return { id = conf.integration_id, conf = conf, ring = {}, first = 1, last = 0, lost = 0, seq = 0, mine = {} }
end

-- The line of a plugin's configuration; made on first sight.
function lines.of(conf)
  local line = lines.by_id[conf.integration_id]
  if not line then
    line = fresh(conf)
    lines.by_id[line.id] = line
    if lines.begin then lines.begin(line) end
  end
  return line
end

-- What is configured now. A line that is no longer named takes no calls, but delivers what it has.
function lines.configure(configs)
  local named = {}
  for _, conf in ipairs(configs or {}) do
    lines.of(conf).conf = conf
    named[conf.integration_id] = true
  end
  for id, line in pairs(lines.by_id) do line.retired = not named[id] end
end

function lines.key(line, kind, rest) return "aforo:" .. kind .. ":" .. line.id .. ":" .. (rest or "") end

return lines
