-- wrk script for every endpoint of scripts/bench: wrk ... -s load.lua URL -- REQUEST_FILE
-- REQUEST_FILE: the method on the first line, then one line per header, an empty line, and the body.
-- Where a pool of tokens is given (BENCH_POOL, one per line), @TOKEN@ in the body is taken from the pool, and the
-- refresh_token of the answer goes back to its end. Where a second request is given (BENCH_EXCHANGE, in the same form), each
-- code that a redirect brings is exchanged by it, in place of @CODE@. wrk keeps one Lua state per thread and none per connection, so the pool
-- is per thread and must hold more tokens than the thread has connections.

local threads = {}

function setup(thread)
   thread:set("number", #threads)
   table.insert(threads, thread)
end

local function read_request(path)
   local file = assert(io.open(path, "r"))
   local text = file:read("*a")
   file:close()
   local head, body = text:match("^(.-)\n\n(.*)$")
   local lines = {}
   for line in head:gmatch("[^\n]+") do table.insert(lines, line) end
   local headers = {}
   for index = 2, #lines do
      local name, value = lines[index]:match("^([^:]+): (.*)$")
      headers[name] = value
   end
   return lines[1], headers, body ~= "" and body or nil
end

-- The authorization request, and the exchange of each code that it brings.
local function chain_codes(path)
   local method, headers, body = read_request(path)
   local before, after = body:match("^(.*)@CODE@(.*)$")
   headers["Host"] = wrk.headers["Host"]
   local codes = {}

   request = function()
      local code = table.remove(codes)
      if not code then return wrk.format() end
      return wrk.format(method, "/oauth/token", headers, before .. code .. after)
   end

   response = function(status, answered, answer)
      local code = (answered["location"] or answered["Location"] or ""):match("[?&]code=([^&]+)")
      if code then
         table.insert(codes, code)
      elseif not (status == 200 and answer:find('"id_token"', 1, true) and answer:find('"refresh_token"', 1, true)) then
         refused = refused + 1
      end
   end
end

function init(args)
   local headers
   wrk.method, headers, wrk.body = read_request(args[1])
   for name, value in pairs(headers) do wrk.headers[name] = value end
   refused = 0
   local exchange = os.getenv("BENCH_EXCHANGE")
   if exchange then return chain_codes(exchange) end
   local pool_path = os.getenv("BENCH_POOL")
   if not pool_path then return end

   -- A queue: taken at `first`, returned behind `last`.
   local pool, first, last, line_number = {}, 1, 0, 0
   for line in io.lines(pool_path) do
      if line_number % tonumber(os.getenv("BENCH_THREADS")) == number then
         last = last + 1
         pool[last] = line
      end
      line_number = line_number + 1
   end
   local before, after = wrk.body:match("^(.*)@TOKEN@(.*)$")

   request = function()
      local token = pool[first] or "the-pool-is-empty"
      pool[first] = nil
      if first <= last then first = first + 1 end
      return wrk.format(nil, nil, nil, before .. token .. after)
   end

   response = function(status, _, body)
      local token = status == 200 and body:match('"refresh_token":"([^"]+)"')
      if token then
         last = last + 1
         pool[last] = token
      else
         refused = refused + 1
      end
   end
end

function done(summary, latency)
   local refused_by_script = 0
   for _, thread in ipairs(threads) do refused_by_script = refused_by_script + (thread:get("refused") or 0) end
   local errors = summary.errors
   io.write(string.format(
      '\n{"requests":%d,"seconds":%.6f,"p50_ms":%.3f,"p99_ms":%.3f,"max_ms":%.3f,"bad_status":%d,"socket_errors":%d}\n',
      summary.requests, summary.duration / 1e6,
      latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, latency.max / 1e3,
      math.max(errors.status, refused_by_script),
      errors.connect + errors.read + errors.write + errors.timeout))
end
