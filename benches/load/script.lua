-- The wrk script for a row: sends requests for random users, and prints one line of figures at the end.
-- Arguments: method, path with {id}, Authorization ("" for none), a text that every answer contains ("" for no check),
-- the largest id. A header value {key} becomes a new value in every request.

local MOST = 10000 -- number of prepared requests; building them during the run would take time

local requests = {}
local count
local sender
wrong = 0 -- number of unexpected answers, and the last of them; global, so that `done` can read them
last_wrong = ""

function setup(thread)
   sender = thread
end

function init(args)
   local method, path, authorization, expected, largest = args[1], args[2], args[3], args[4], tonumber(args[5])
   if authorization ~= "" then
      wrk.headers["Authorization"] = authorization
   end
   math.randomseed(os.time())
   count = path:find("{id}", 1, true) and math.min(largest, MOST) or 1
   for i = 1, count do
      local id = largest > MOST and math.random(largest) or i
      requests[i] = wrk.format(method, (path:gsub("{id}", id)))
   end
   for name, value in pairs(wrk.headers) do
      if value == "{key}" then
         local run, sent = string.format("%d-%d", os.time(), math.random(1e9)), 0
         request = function()
            sent = sent + 1
            return (requests[math.random(count)]:gsub("{key}", run .. "-" .. sent, 1))
         end
      end
   end
   if expected ~= "" then
      -- Defined only if needed, because passing answers to Lua takes time.
      response = function(status, _, body)
         if status ~= 200 or not body:find(expected, 1, true) then
            wrong = wrong + 1
            last_wrong = status .. " " .. body
         end
      end
   end
end

function request()
   return requests[math.random(count)]
end

function done(summary, latency)
   local errors = summary.errors
   local failed = errors.connect + errors.read + errors.write + errors.timeout + errors.status
   io.write(string.format("figures %d %d %d %d %d\n", summary.requests, summary.duration, latency:percentile(50),
      latency:percentile(99), failed))
   if sender:get("wrong") > 0 then
      io.write("wrong ", (sender:get("last_wrong"):gsub("%s+", " ")), "\n")
   end
end
