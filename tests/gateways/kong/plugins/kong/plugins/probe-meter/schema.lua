local typedefs = require "kong.db.schema.typedefs"

return {
  name = "probe-meter",
  fields = {
    { protocols = typedefs.protocols_http },
    { config = { type = "record", required = true, fields = {
      { product_id = { type = "string", required = true } },
      { quota = { type = "integer", default = 0, between = { 0, 1000000000 } } },
      { header = typedefs.header_name { default = "X-Probe-Meter" } },
      { deny_tiers = { type = "set", default = {}, elements = { type = "string", one_of = { "free", "trial" } } } },
      { secret = { type = "string" } },
    } } },
  },
}
