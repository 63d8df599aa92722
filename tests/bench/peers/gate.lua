-- The job in Lua, as it is written for nginx: tokens by their SHA-256 in a shared dictionary, the route map as a tree
-- of segments, the identity in variables that the configuration makes headers of.
local ffi = require "ffi"
ffi.cdef [[
typedef struct { unsigned char opaque[128]; } bench_sha256;
int SHA256_Init(bench_sha256 *context);
int SHA256_Update(bench_sha256 *context, const void *data, size_t length);
int SHA256_Final(unsigned char *digest, bench_sha256 *context);
]]
local C = ffi.C
local context, digest = ffi.new "bench_sha256", ffi.new "unsigned char[32]"
local tokens = ngx.shared.tokens
local exit, get_method = ngx.exit, ngx.req.get_method
local find, sub = string.find, string.sub
local M, roots, callers = {}, {}, {}

local function sha256(text)
    C.SHA256_Init(context)
    C.SHA256_Update(context, text, #text)
    C.SHA256_Final(digest, context)
    return ffi.string(digest, 32)
end

local function lines(path)
    local file = assert(io.open(path))
    local text = file:read "*a"
    file:close()
    return text:gmatch "([^\n]+)"
end

local function add(method, template, scope)
    local node = roots[method] or { literals = {} }
    roots[method] = node
    for segment in template:gmatch "([^/]+)" do
        if sub(segment, 1, 1) == "{" then
            node.parameter = node.parameter or { literals = {} }
            node = node.parameter
        else
            node.literals[segment] = node.literals[segment] or { literals = {} }
            node = node.literals[segment]
        end
    end
    node.route = { scope = scope, template = template }
end

-- Literal before parameter; back to the parameter where the literal leads to nothing.
local function descend(node, path, at)
    local stop = find(path, "/", at, true)
    local segment = sub(path, at, stop and stop - 1 or -1)
    if segment == "" then
        return node.route
    end
    local inner = stop and stop < #path
    local literal, parameter = node.literals[segment], node.parameter
    local route = literal and (inner and descend(literal, path, stop + 1) or not inner and literal.route)
    if route then
        return route
    end
    return parameter and (inner and descend(parameter, path, stop + 1) or not inner and parameter.route)
end

-- `values` is what the dictionary holds: four lines, the last one the scopes.
local function decoded(values)
    local account, integration, token, scopes = values:match "^(.-)\n(.-)\n(.-)\n(.*)$"
    local caller = { account = account, integration = integration, token = token, scopes = scopes, holds = {} }
    for scope in scopes:gmatch "%S+" do
        caller.holds[scope] = true
    end
    callers[values] = caller
    return caller
end

function M.load(token_file, route_file)
    for line in lines(token_file) do
        local token, rest = line:match "^(%S+)\t(.*)$"
        assert(tokens:set(sha256(token), (rest:gsub("\t", "\n"))))
    end
    for line in lines(route_file) do
        add(line:match "^(%S+) (%S+) (%S+)$")
    end
end

function M.check()
    local var = ngx.var
    local credential = var.http_authorization
    if not credential or #credential < 8 or sub(credential, 1, 7):lower() ~= "bearer " then
        return exit(401)
    end
    local values = tokens:get(sha256(sub(credential, 8)))
    if not values then
        return exit(401)
    end
    local caller = callers[values] or decoded(values)
    local root = roots[get_method()]
    local route = root and descend(root, var.uri, 2)
    if not route then
        return exit(404)
    end
    if not caller.holds[route.scope] then
        return exit(403)
    end
    var.account, var.integration, var.token, var.scopes = caller.account, caller.integration, caller.token, caller.scopes
    var.route = route.template
end

return M
