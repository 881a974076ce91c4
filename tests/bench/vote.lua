math.randomseed(os.time())
local letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
function token()
  local t = {}
  for i = 1, 22 do local k = math.random(64); t[i] = letters:sub(k, k) end
  return table.concat(t)
end
function network()
  return math.random(223) .. "." .. math.random(255) .. "." .. math.random(255) .. "." .. math.random(255)
end
function headers()
  return {["Origin"] = "http://articles.test", ["Content-Type"] = "application/x-www-form-urlencoded",
          ["X-Forwarded-For"] = network()}
end
request = function()
  return wrk.format("POST", "/api/v1/health/vote", headers(), "article=article-20&value=yes&reader=" .. token())
end
