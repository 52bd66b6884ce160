-- Stands in for the part of lua-resty-string of this name, over the OpenSSL that nginx itself is linked with.
local ffi = require "ffi"
ffi.cdef "unsigned char *SHA256(const unsigned char *d, size_t n, unsigned char *md);"

local sha256 = {}
sha256.__index = sha256

function sha256.new() return setmetatable({ parts = {} }, sha256) end
function sha256:update(text) self.parts[#self.parts + 1] = text end
function sha256:final()
  local whole, digest = table.concat(self.parts), ffi.new("unsigned char[32]")
  ffi.C.SHA256(whole, #whole, digest)
  return ffi.string(digest, 32)
end

return sha256
