-- What wrk runs for one row: requests for a user picked at random, and at the end one line of figures.
-- Arguments: method, path with {id} in it, Authorization ("" for none), what every answer contains ("" not to look).

local USERS = 4 -- the demo's users who are active are 1 to 4

local requests = {}
local sender
wrong = 0 -- answers that are not as expected, and the last of them; global, so that `done` can ask for them
last_wrong = ""

function setup(thread)
   sender = thread
end

function init(args)
   local method, path, authorization, expected = args[1], args[2], args[3], args[4]
   if authorization ~= "" then
      wrk.headers["Authorization"] = authorization
   end
   for id = 1, USERS do
      requests[id] = wrk.format(method, (path:gsub("{id}", id)))
   end
   if expected ~= "" then
      -- Without this function wrk does not hand answers to Lua, which takes time.
      response = function(status, _, body)
         if status ~= 200 or not body:find(expected, 1, true) then
            wrong = wrong + 1
            last_wrong = status .. " " .. body
         end
      end
   end
end

function request()
   return requests[math.random(USERS)]
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
