-- wrk -s random_paths.lua URL -- FILE: asks for the paths of FILE, one a line, at random. The requests are made ready
-- before the first is sent: client and server share the machine.
local requests = {}

function init(arguments)
  for path in io.lines(arguments[1]) do
    requests[#requests + 1] = wrk.format("GET", path)
  end
  math.randomseed(1)
end

function request()
  return requests[math.random(#requests)]
end
