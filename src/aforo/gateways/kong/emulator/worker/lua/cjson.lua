-- lua-cjson as far as plugins use it: 14 significant digits, empty tables as objects, null as a light value.
local cjson = { _VERSION = "2.1.0.10", _NAME = "cjson" }
local null = newproxy(true)
getmetatable(null).__tostring = function() return "userdata: NULL" end
cjson.null = null
cjson.empty_array_mt = {}
cjson.array_mt = {}
cjson.empty_array = setmetatable({}, cjson.empty_array_mt)

local floor, huge, format, byte, char, concat = math.floor, math.huge, string.format, string.byte, string.char, table.concat

local escapes = { ['"'] = '\\"', ["\\"] = "\\\\", ["/"] = "\\/", ["\b"] = "\\b", ["\f"] = "\\f", ["\n"] = "\\n",
  ["\r"] = "\\r", ["\t"] = "\\t" }

local function quoted(text)
  return '"' .. text:gsub('[%c"\\/\127]', function(one)
    return escapes[one] or format("\\u%04x", byte(one))
  end) .. '"'
end

local function length(value)
  local most, count = 0, 0
  for key in pairs(value) do
    if type(key) ~= "number" or key < 1 or floor(key) ~= key then return nil end
    if key > most then most = key end
    count = count + 1
  end
  if most > 10 and most > count * 2 then error("Cannot serialise table: excessively sparse array", 0) end
  return most
end

local encoded

local function array(value, size, depth)
  local parts = {}
  for index = 1, size do parts[index] = encoded(value[index], depth) end
  return "[" .. concat(parts, ",") .. "]"
end

local function object(value, depth)
  local parts = {}
  for key, member in pairs(value) do
    if type(key) ~= "string" and type(key) ~= "number" then
      error("Cannot serialise " .. type(key) .. ": table key must be a number or string", 0)
    end
    parts[#parts + 1] = quoted(tostring(key)) .. ":" .. encoded(member, depth)
  end
  return "{" .. concat(parts, ",") .. "}"
end

function encoded(value, depth)
  local kind = type(value)
  if kind == "string" then return quoted(value) end
  if kind == "number" then
    if value ~= value or value == huge or value == -huge then
      error("Cannot serialise number: must not be NaN or Inf", 0)
    end
    return (format("%.14g", value))
  end
  if kind == "boolean" then return tostring(value) end
  if value == nil or value == null then return "null" end
  if kind ~= "table" then error("Cannot serialise " .. kind .. ": type not supported", 0) end
  if depth > 1000 then error("Cannot serialise, excessive depth (1001)", 0) end
  local meta = getmetatable(value)
  if meta == cjson.array_mt then return array(value, #value, depth + 1) end
  local size = length(value)
  if size and (size > 0 or meta == cjson.empty_array_mt) then return array(value, size, depth + 1) end
  return object(value, depth + 1)
end

function cjson.encode(value) return encoded(value, 0) end

local text, place

local function fail(what)
  error(format("Expected %s but found %s at character %d", what,
    place > #text and "T_END" or "invalid token", place), 0)
end

local function skip() place = text:find("[^ \t\r\n]", place) or #text + 1 end

local function utf8(code)
  if code < 0x80 then return char(code) end
  if code < 0x800 then return char(0xC0 + floor(code / 64), 0x80 + code % 64) end
  if code < 0x10000 then
    return char(0xE0 + floor(code / 4096), 0x80 + floor(code / 64) % 64, 0x80 + code % 64)
  end
  return char(0xF0 + floor(code / 262144), 0x80 + floor(code / 4096) % 64, 0x80 + floor(code / 64) % 64, 0x80 + code % 64)
end

local plain = { b = "\b", f = "\f", n = "\n", r = "\r", t = "\t", ['"'] = '"', ["\\"] = "\\", ["/"] = "/" }

local function escaped()
  local one = text:sub(place + 1, place + 1)
  if plain[one] then
    place = place + 2
    return plain[one]
  end
  local digits = one == "u" and text:match("^%x%x%x%x", place + 2)
  if not digits then fail("a valid escape") end
  local code = tonumber(digits, 16)
  place = place + 6
  local low = code >= 0xD800 and code < 0xDC00 and text:match("^\\u([dD][c-fC-F]%x%x)", place)
  if low then
    code = 0x10000 + (code - 0xD800) * 0x400 + tonumber(low, 16) - 0xDC00
    place = place + 6
  end
  return utf8(code)
end

local function string_()
  local parts = {}
  place = place + 1
  while true do
    local stop = text:find('["\\%c]', place)
    if not stop then fail("string or close of string") end
    parts[#parts + 1] = text:sub(place, stop - 1)
    place = stop
    local one = text:sub(stop, stop)
    if one == '"' then
      place = stop + 1
      return concat(parts)
    end
    if one ~= "\\" and one ~= "\127" then fail("value") end
    if one == "\127" then
      parts[#parts + 1], place = one, stop + 1
    else
      parts[#parts + 1] = escaped()
    end
  end
end

local value_

local function members()
  local found = {}
  place = place + 1
  skip()
  if text:sub(place, place) == "}" then place = place + 1 return found end
  while true do
    skip()
    if text:sub(place, place) ~= '"' then fail("object key string") end
    local key = string_()
    skip()
    if text:sub(place, place) ~= ":" then fail("colon") end
    place = place + 1
    found[key] = value_()
    skip()
    local one = text:sub(place, place)
    place = place + 1
    if one == "}" then return found end
    if one ~= "," then place = place - 1 fail("comma or object end") end
  end
end

local function elements()
  local found, count = {}, 0
  place = place + 1
  skip()
  if text:sub(place, place) == "]" then place = place + 1 return found end
  while true do
    count = count + 1
    found[count] = value_()
    skip()
    local one = text:sub(place, place)
    place = place + 1
    if one == "]" then return found end
    if one ~= "," then place = place - 1 fail("comma or array end") end
  end
end

local words = { ["true"] = true, ["false"] = false, ["null"] = null }

function value_()
  skip()
  local one = text:sub(place, place)
  if one == "{" then return members() end
  if one == "[" then return elements() end
  if one == '"' then return string_() end
  local digits = text:match("^-?%d+%.?%d*[eE]?[+-]?%d*", place)
  if digits and tonumber(digits) then
    place = place + #digits
    return tonumber(digits)
  end
  local word = text:match("^%a+", place)
  if words[word] == nil then fail("value") end
  place = place + #word
  return words[word]
end

function cjson.decode(given)
  if type(given) ~= "string" then error("bad argument #1 to 'decode' (string expected, got " .. type(given) .. ")", 2) end
  text, place = given, 1
  local found = value_()
  skip()
  if place <= #text then fail("the end") end
  return found
end

local function safely(fn)
  return function(given)
    local good, found = pcall(fn, given)
    if good then return found end
    return nil, found
  end
end

cjson.safe = setmetatable({ encode = safely(cjson.encode), decode = safely(cjson.decode) }, { __index = cjson })
cjson.new = function() return cjson end
cjson.decode_array_with_array_mt = function() end
cjson.encode_number_precision = function() return 14 end
return cjson
