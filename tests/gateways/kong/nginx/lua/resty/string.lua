-- Stands in for the part of lua-resty-string of this name.
return {
  to_hex = function(bytes)
    return (bytes:gsub(".", function(one) return ("%02x"):format(one:byte()) end))
  end,
}
