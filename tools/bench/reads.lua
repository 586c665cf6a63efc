-- Reads of orders by id, GET /orders/{id}, in a random order. The first argument is a file with the value of the header
-- Authorization, the second a file with the ids. Ends as orders.lua does.

local requests, next_request = {}, 0

function init(args)
  local headers = { ["Authorization"] = io.lines(args[1])() }
  for id in io.lines(args[2]) do requests[#requests + 1] = wrk.format("GET", "/orders/" .. id, headers) end
  math.randomseed(tonumber(args[3]))
  for index = #requests, 2, -1 do
    local other = math.random(index)
    requests[index], requests[other] = requests[other], requests[index]
  end
  print("ready")
  io.stdout:flush()
end

function request()
  next_request = next_request % #requests + 1
  return requests[next_request]
end

function done(summary, latency)
  local errors = summary.errors
  print(string.format(
    'result {"answers":%d,"durationUs":%d,"refused":%d,"broken":%d,"late":%d,"p50Us":%d,"p99Us":%d,"maxUs":%d}',
    summary.requests, summary.duration, errors.status, errors.connect + errors.read + errors.write, errors.timeout,
    latency:percentile(50), latency:percentile(99), latency.max
  ))
  io.stdout:flush()
  io.read("*a")
end
