math.randomseed(os.time())
local letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
local text = "Thank+you%2C+the+part+on+stopping+slowly+was+**clear**.+Does+the+same+hold+for+older+people%3F+"
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
  local reader = token()
  return wrk.format("POST", "/api/v1/health/comments", headers(), "article=article-20&name=Rae&reader=" .. reader ..
                    "&submission=" .. reader .. "&body=" .. text .. text .. text .. reader)
end
