"""`schema.lua`: the committed file is what the code prints, and says to Lua what the dump says."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from kong_federation.kong.lua import lua_literal, lua_schema
from kong_federation.kong.schema import plugin_schema

KEPT = Path(__file__).parents[2] / "docker" / "kong" / "plugins" / "graphql-federation" / "schema.lua"
LUA = next((found for name in ("luajit", "lua5.1", "lua") if (found := shutil.which(name))), None)

TOKEN = re.compile(r'\s*(?:--[^\n]*|([{}=,\[\]])|"((?:[^"\\]|\\.)*)"|([A-Za-z_]\w*)|(-?\d[\w.+-]*))', re.DOTALL)


def read_lua(text):
    """What a file that returns one table of literals returns; a table without keys is a list."""
    tokens = [found.groups() for found in TOKEN.finditer(text) if any(group is not None for group in found.groups())]
    assert tokens.pop(0)[2] == "return"
    value = _value(tokens)
    assert not tokens
    return value


def _value(tokens):
    mark, text, word, number = tokens.pop(0)
    if text is not None:
        return text.replace('\\"', '"').replace("\\\\", "\\")
    if word is not None:
        return {"true": True, "false": False}[word]
    if number is not None:
        return json.loads(number)
    assert mark == "{"
    items, named = [], {}
    while tokens[0][0] != "}":
        if tokens[0][2] is not None and tokens[1][0] == "=":
            name = tokens.pop(0)[2]
            tokens.pop(0)
            named[name] = _value(tokens)
        elif tokens[0][0] == "[":
            name = tokens[1][1]
            del tokens[:4]
            named[name] = _value(tokens)
        else:
            items.append(_value(tokens))
        if tokens[0][0] == ",":
            tokens.pop(0)
    tokens.pop(0)
    assert not (items and named)
    return named or items


def test_the_kept_file_is_up_to_date():
    assert KEPT.read_text(encoding="utf-8") == lua_schema(), "print it anew: make generated"


def test_it_says_what_the_dump_says():
    assert read_lua(lua_schema()) == plugin_schema()


def test_it_leans_on_nothing_that_a_control_plane_would_have_to_have():
    code = re.sub(r'"(?:[^"\\]|\\.)*"', "", lua_schema())
    assert not re.search(r"\b(require|function|local|nil)\b", code)


@pytest.mark.parametrize(
    ("value", "literal"),
    [
        ({"a": 1, "b-c": "x", "end": True}, '{ a = 1, ["b-c"] = "x", ["end"] = true }'),
        (["a", 1.5, False, []], '{ "a", 1.5, false, {} }'),
        ('say "no"\\\n', '"say \\"no\\"\\\\\\n"'),
    ],
)
def test_literals(value, literal):
    assert lua_literal(value) == literal


TO_JSON = """
local function text(value)
  if type(value) == "string" then
    return '"' .. value:gsub('[%c"\\\\\\\\]', function(c) return string.format("\\\\u%04x", c:byte()) end) .. '"'
  elseif type(value) ~= "table" then
    return (type(value) == "number" and string.format("%.17g", value)) or tostring(value)
  end
  local parts = {}
  if #value > 0 or next(value) == nil then
    for _, inner in ipairs(value) do parts[#parts + 1] = text(inner) end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  for name, inner in pairs(value) do parts[#parts + 1] = text(name) .. ":" .. text(inner) end
  return "{" .. table.concat(parts, ",") .. "}"
end
print(text(dofile(arg[1])))
"""


@pytest.mark.skipif(LUA is None, reason="no Lua on this machine (Debian: lua5.1 or luajit)")
def test_lua_loads_it_and_sees_the_same(tmp_path):
    program = tmp_path / "to_json.lua"
    program.write_text(TO_JSON.replace("\\\\\\\\", "\\\\"))
    done = subprocess.run([LUA, program, KEPT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == plugin_schema()
