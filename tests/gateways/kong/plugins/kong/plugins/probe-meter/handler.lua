-- Counts calls in nginx's shared memory and refuses beyond a number. Nothing of Aforo's is in here.
local Probe = { PRIORITY = 500, VERSION = "1.0.0" }

function Probe:access(conf)
  local consumer, credential = kong.client.get_consumer(), kong.client.get_credential()
  local used = ngx.shared.kong:incr("probe:" .. conf.product_id .. ":" .. (consumer and consumer.id or "-"), 1, 0)
  kong.ctx.plugin.told = conf.product_id .. ";used=" .. used
  if credential then kong.service.request.set_header("X-Probe-Credential", credential.id) end
  if conf.quota > 0 and used > conf.quota then
    return kong.response.exit(402, { message = "quota spent", used = used - 1, product = conf.product_id })
  end
end

function Probe:header_filter(conf)
  kong.response.set_header(conf.header, kong.ctx.plugin.told or "untold")
end

return Probe
