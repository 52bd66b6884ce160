-- Kong's plugin development kit on nginx itself, as far as the plugin uses it. What a phase may not do, nginx refuses.
local kit = {}

local function header(name)
  local found = ngx.req.get_headers()[name]
  return type(found) == "table" and found[1] or found
end

local function log_at(level)
  return function(...) ngx.log(level, "[kong] ", ...) end
end

local request = {
  get_method = function() return ngx.req.get_method() end,
  get_path = function() return (ngx.var.request_uri:gsub("%?.*$", "")) end,
  get_header = header,
  get_query_arg = function(name)
    local found = ngx.req.get_uri_args()[name]
    return type(found) == "table" and found[1] or found
  end,
}

local service = {
  request = {
    set_header = function(name, value) ngx.req.set_header(name, value) end,
    clear_header = function(name) ngx.req.clear_header(name) end,
  },
  response = { get_header = function(name) return ngx.header[name] end },
}

local response = {
  get_status = function() return ngx.status end,
  get_header = function(name) return ngx.header[name] end,
  set_header = function(name, value) ngx.header[name] = tostring(value) end,
  clear_header = function(name) ngx.header[name] = nil end,
  get_source = function()
    local ctx = ngx.ctx
    return ctx.exited and "exit" or ctx.proxied and "service" or "error"
  end,
  exit = function(status, body, headers)
    ngx.ctx.delayed = { status = status, body = body, headers = headers }
    coroutine.yield()
  end,
}

function kit.new(conf)
  return {
    configuration = { prefix = conf.prefix },
    node = { get_id = function() return conf.node_id end },
    log = { err = log_at(ngx.ERR), warn = log_at(ngx.WARN), notice = log_at(ngx.NOTICE) },
    request = request,
    service = service,
    response = response,
    client = {
      get_credential = function() return ngx.ctx.credential end,
      get_consumer = function() return ngx.ctx.consumer end,
    },
    router = { get_service = function() return conf.service end },
    ctx = setmetatable({}, { __index = function(_, name) return name == "plugin" and ngx.ctx.plugin or nil end }),
  }
end

return kit
