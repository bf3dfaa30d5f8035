-- Orders an AES-256 key and fetches the order until it is ACTIVE; prints "fetched N", and "failed N" if anything else was answered.
local threads = {}
local fetch = {}
fetched, failed = 0, 0

function setup(thread) table.insert(threads, thread) end

function request()
    local path = table.remove(fetch)
    if path then return wrk.format("GET", path) end
    local headers = {["Content-Type"] = "application/json"}
    for name, value in pairs(wrk.headers) do headers[name] = value end
    return wrk.format("POST", "/v1/orders", headers,
                      '{"type":"key","meta":{"algorithm":"aes","bit_length":256,"mode":"cbc"}}')
end

function response(status, headers, body)
    if status == 202 then
        table.insert(fetch, body:match("(/v1/orders/[%x-]+)"))
    elseif status == 200 and body:find('"ACTIVE"') then
        fetched = fetched + 1
    elseif status == 200 and body:find('"PENDING"') then
        table.insert(fetch, body:match("(/v1/orders/[%x-]+)"))
    else
        failed = failed + 1
    end
end

function done()
    local sum, bad = 0, 0
    for _, thread in ipairs(threads) do
        sum = sum + thread:get("fetched")
        bad = bad + thread:get("failed")
    end
    print("fetched " .. sum)
    if bad > 0 then print("failed " .. bad) end
end
