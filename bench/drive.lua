-- Requests for wrk, and its findings as a line of JSON.
--
--   wrk … -s drive.lua URL -- fill PATH TABLE          GET; <1> and <2> are a random row's columns
--   wrk … -s drive.lua URL -- send METHOD PATH BODIES MARK   bodies in turn; @@ becomes MARK and a number
--
-- TABLE has rows of one length, so that finding one costs the same in a million as in a thousand.

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

local makers = {}

function makers.fill(path, file)
  local rows = read(file)
  local width = rows:find("\n", 1, true)
  local count = #rows / width
  local before, column, after = path:match("^(.-)<([12])>(.*)$")
  if before == nil then
    local whole = wrk.format("GET", path)
    return function() return whole end
  end
  -- Formatted once: wrk.format for each request would cost more than the request.
  local head, tail = wrk.format("GET", before .. "\1" .. after):match("^(.-)\1(.*)$")
  local pattern = column == "1" and "^(%S+)" or "^%S+ (%S+)"
  math.randomseed(os.time())
  return function()
    local start = math.random(0, count - 1) * width + 1
    return head .. rows:sub(start, start + width - 2):match(pattern) .. tail
  end
end

function makers.send(method, path, file, mark)
  local bodies = {}
  for line in io.lines(file) do bodies[#bodies + 1] = line end
  local number = 0
  wrk.headers["Content-Type"] = "application/json"
  return function()
    number = number + 1
    local body = bodies[(number - 1) % #bodies + 1]
    if body:find("@@", 1, true) then body = body:gsub("@@", mark .. number) end
    return wrk.format(method, path, nil, body)
  end
end

function init(args)
  request = makers[args[1]](unpack(args, 2))
end

function done(summary, latency)
  local errors = summary.errors
  print(string.format(
    '{"answers": %d, "microseconds": %d, "p50": %.1f, "p99": %.1f, "refused": %d, "broken": %d, "cpu": %.3f}',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.status, errors.connect + errors.read + errors.write + errors.timeout, os.clock()))
end
