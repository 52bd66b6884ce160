-- The words in which plugins write their schemas, as far as they are about plugins. Each may be extended by a call.
local HTTP = { "grpc", "grpcs", "http", "https" }

local function word(facts)
  return setmetatable(facts, {
    __call = function(_, more)
      local whole = {}
      for name, value in pairs(facts) do whole[name] = value end
      for name, value in pairs(more or {}) do whole[name] = value end
      return whole
    end,
  })
end

local function never_on(reference) return word { type = "foreign", reference = reference, eq = ngx.null } end

return {
  protocols_http = word {
    type = "set", required = true, default = HTTP, elements = { type = "string", len_min = 1, required = true, one_of = HTTP },
  },
  no_consumer = never_on("consumers"),
  no_service = never_on("services"),
  no_route = never_on("routes"),
  no_consumer_group = word { type = "foreign", reference = "consumer_groups", eq = ngx.null },
  header_name = word { type = "string" },
  url = word { type = "string" },
  host = word { type = "string" },
  port = word { type = "integer", between = { 0, 65535 } },
  path = word { type = "string", starts_with = "/" },
  timeout = word { type = "integer", between = { 0, 2147483646 } },
  uuid = word { type = "string", uuid = true },
}
