-- Who calls: only what Kong has verified, or the hash of a key that Aforo verifies. Never a header that names somebody.
local sha256 = require "resty.sha256"
local to_hex = require("resty.string").to_hex

local identity = {}

local function hash(text)
  local digest = sha256:new()
  digest:update(text)
  return to_hex(digest:final())
end

local function presented(places)
  for _, place in ipairs(places or {}) do
    local kind, name = place:match("^(%a+):?(.*)$")
    local found
    if kind == "bearer" then
      found = (kong.request.get_header("authorization") or ""):match("^[Bb]earer%s+(%S+)$")
    elseif kind == "header" then
      found = kong.request.get_header(name)
    elseif kind == "query" then
      found = kong.request.get_query_arg(name)
    end
    if type(found) == "string" and found ~= "" then return found end
  end
  return nil
end

-- Type and native id of the credential, and the subscription where the consumer was made for one.
local function verified(conf)
  local credential, consumer = kong.client.get_credential(), kong.client.get_consumer()
  local custom = consumer and consumer.custom_id
  local subject = type(custom) == "string" and custom:find("^sub_") and custom or "?"
  if credential and credential.id and credential.key and not credential.secret then
    return "key_auth", credential.id, subject
  elseif consumer and consumer.id then
    return "consumer", consumer.id, subject
  end
  local key = presented(conf.key_from)
  if key then return "key_sha256", hash(key), "?" end
  return "consumer", "-", "?"
end

-- With the product called and the metric counted.
function identity.of(conf)
  local kind, native_id, subject = verified(conf)
  local service = kong.router.get_service() or {}
  local product = (conf.products and conf.products[service.id]) or service.name or service.id or "-"
  local metric = (conf.metrics and conf.metrics[product]) or conf.default_metric
  return {
    type = kind, native_id = native_id, subject = subject, product = product, metric = metric,
    k = kind .. "|" .. native_id .. "|" .. product .. "|" .. metric,
  }
end

return identity
