-- What a refused caller hears.
local refusals = {}

local WORDS = {
  no_subscription = "There is no active subscription for this call.",
  subscription_suspended = "This subscription is suspended.",
  product_not_in_plan = "The plan of this subscription does not hold this API.",
  feature_not_in_plan = "The plan of this subscription does not hold this feature.",
  credential_revoked = "This credential has been revoked.",
  quota_exceeded = "The quota of this plan is used up.",
  rate_limited = "Too many calls at once.",
  spend_cap = "The spend cap of this subscription is reached.",
  unreachable = "This call cannot be checked at the moment.",
}

local MARGINS = {
  margin_blocked = { "SERVICE_RESTRICTED_MARGIN", "This service is restricted at the moment.", 1800, "blocked" },
  margin_throttled = { "RATE_LIMITED_MARGIN", "This service lets only some calls through at the moment.", 60, "throttled" },
}

local function wait(said)
  return said.retry_at and math.max(1, math.ceil(said.retry_at - ngx.now()))
end

-- Status, body and headers of a refusal.
function refusals.of(said)
  local headers = {}
  for name, value in pairs(said.headers or {}) do headers[name] = value end
  local retry, margin = wait(said), MARGINS[said.reason]
  if margin then
    retry = retry or margin[3]
    headers["X-Margin-Guard"] = margin[4]
    headers["Retry-After"] = tostring(retry)
    return said.status or 429, { error = { code = margin[1], message = margin[2], retryAfterSeconds = retry } }, headers
  end
  headers["Retry-After"] = retry and tostring(retry) or nil
  return said.status or 403, { message = WORDS[said.reason] or "This call is refused.", retryAfter = retry }, headers
end

return refusals
