import json
import subprocess
import sys

HEAVY = {"graphql", "aiohttp", "uvloop", "orjson", "asyncio", "kong_federation.planner", "kong_federation.executor"}

PROGRAM = f"""
import sys
from kong_federation.cli.__main__ import main
status = main(["dump"])
print(sorted({HEAVY!r} & set(sys.modules)), file=sys.stderr)
sys.exit(status)
"""


def test_dump_says_what_kong_asks_and_imports_next_to_nothing() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    dump = json.loads(done.stdout)
    plugin = dump["Plugins"][0]

    assert dump["Protocol"] == "ProtoBuf:1"
    assert (plugin["Name"], plugin["Priority"], plugin["Phases"]) == ("graphql-federation", 5, ["access"])
    assert plugin["Schema"]["name"] == "graphql-federation"
    assert done.stderr.strip() == "[]"
