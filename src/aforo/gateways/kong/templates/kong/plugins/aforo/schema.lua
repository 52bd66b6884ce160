-- Without any require, so that Konnect takes it as it is.
local HTTP = { "grpc", "grpcs", "http", "https" }

return {
  name = "aforo",
  fields = {
    { protocols = { type = "set", required = true, default = HTTP, elements = { type = "string", one_of = HTTP } } },
    { config = { type = "record", required = true, fields = {
      { edge_url = { type = "string", required = true, match = "^https?://[^%s?#]+$" } },
      { api_key = { type = "string", required = true, referenceable = true } },
      { integration_id = { type = "string", required = true, match = "^[%w_%-]+$" } },
      { enforce = { type = "boolean", required = true, default = false } },
      { fail_mode = { type = "string", required = true, default = "open", one_of = { "open", "closed" } } },
      { products = { type = "map", keys = { type = "string" }, values = { type = "string" } } },
      { metrics = { type = "map", keys = { type = "string" }, values = { type = "string" } } },
      { default_metric = { type = "string", required = true, default = "api_calls" } },
      { quantity_from = { type = "string", required = true, default = "calls", one_of = {
        "calls", "request_bytes", "response_bytes", "request_header", "response_header" } } },
      { quantity_header = { type = "string" } },
      { quantity_per = { type = "number", required = true, default = 1, gt = 0 } },
      { key_from = { type = "array", elements = { type = "string" } } },
      { excluded_paths = { type = "array", elements = { type = "string", starts_with = "/" } } },
      { lease_units = { type = "integer", required = true, default = 100, between = { 1, 100000 } } },
      { rate_burst_seconds = { type = "number", required = true, default = 1, between = { 0, 60 } } },
      { timeout_ms = { type = "integer", required = true, default = 100, between = { 10, 5000 } } },
      { ring_size = { type = "integer", required = true, default = 10000, between = { 100, 1000000 } } },
      { spool_dir = { type = "string" } },
      { spool_mb = { type = "integer", required = true, default = 256, between = { 1, 65536 } } },
    } } },
  },
}
