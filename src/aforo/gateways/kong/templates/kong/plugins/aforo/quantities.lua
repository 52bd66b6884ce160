-- How much a call counts for. Before the answer it is known, or taken as one unit and put right afterwards.
local quantities = {}

local function number(text)
  local found = tonumber(text)
  if not found or found ~= found or found < 0 or found >= 1e15 then return 0 end
  return found
end

-- In whole units of `quantity_per`, begun ones counted.
local function in_units(conf, amount) return math.ceil(amount / conf.quantity_per - 1e-9) end

function quantities.before(conf)
  if conf.quantity_from == "request_bytes" then return in_units(conf, number(ngx.var.request_length)) end
  if conf.quantity_from == "request_header" then
    return number(kong.request.get_header(conf.quantity_header or "")) / conf.quantity_per
  end
  return 1
end

function quantities.after(conf)
  local from = conf.quantity_from
  if from == "response_bytes" then return in_units(conf, number(ngx.var.bytes_sent)) end
  if from == "response_header" then
    return number(kong.service.response.get_header(conf.quantity_header or "")) / conf.quantity_per
  end
  return quantities.before(conf)
end

return quantities
