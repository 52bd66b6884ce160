-- Does what nginx allows nowhere in this phase, so that a test sees it refused.
local http = require "resty.http"
local Waiting = { PRIORITY = 1, VERSION = "1" }

function Waiting:log(conf) http.new():request_uri(conf.url, { method = "GET", headers = {} }) end

return Waiting
