-- wrk -s random_paths.lua URL -- FILE: asks for the paths of FILE, one a line, at random.
local paths = {}

function init(arguments)
  for line in io.lines(arguments[1]) do
    paths[#paths + 1] = line
  end
  math.randomseed(1)
end

function request()
  return wrk.format("GET", paths[math.random(#paths)])
end
