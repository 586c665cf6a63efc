-- Orders for wrk, the same for each measured system.
--
--   wrk … -s orders.lua URL -- AUTHORIZATION KIND PRODUCTS CUSTOMERS WAIT_S SEED
--
-- AUTHORIZATION is a file with the value of that header. KIND is mixed (two lines, any two of the products) or hot
-- (one unit of one product that everybody wants). With WAIT_S above 0 each request waits for the decision by
-- Prefer: wait.
--
-- All requests are made before the first is sent, so that sending takes little CPU time from the
-- measured system. `ready` and `result {…}` are lines for the program that started wrk, which stays until its stdin
-- ends: so its CPU time can still be read.

local REQUESTS = 40000
local requests, next_request = {}, 0

local function two_products(products)
  local one = math.random(1, products)
  local other = math.random(1, products - 1)
  if other >= one then other = other + 1 end
  return one, other
end

local function lines_of(kind, products)
  if kind == "hot" then return '{"productId":"bench-hot","quantity":1}' end
  local one, other = two_products(products)
  return string.format(
    '{"productId":"bench-%d","quantity":%d},{"productId":"bench-%d","quantity":%d}',
    one, math.random(1, 3), other, math.random(1, 3)
  )
end

function init(args)
  local kind, products, customers, wait_s = args[2], tonumber(args[3]), tonumber(args[4]), tonumber(args[5])
  math.randomseed(tonumber(args[6]))
  local headers = { ["Content-Type"] = "application/json", ["Authorization"] = io.lines(args[1])() }
  if wait_s > 0 then headers["Prefer"] = "wait=" .. wait_s end
  for index = 1, REQUESTS do
    local body = string.format(
      '{"customerId":"bench-customer-%d","lines":[%s]}', math.random(1, customers), lines_of(kind, products)
    )
    requests[index] = wrk.format("POST", "/orders", headers, body)
  end
  print("ready")
  io.stdout:flush()
end

function request()
  next_request = next_request % REQUESTS + 1
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
