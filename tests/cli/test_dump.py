import json
import subprocess
import sys

from kong_federation.cli.__main__ import main

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


def test_a_file_is_written_whole_and_readable_for_kongs_user(tmp_path) -> None:
    path = tmp_path / "dump.json"
    path.write_text("an older one")
    assert main(["dump", "--output", str(path)]) == 0
    assert json.loads(path.read_text())["Plugins"][0]["Name"] == "graphql-federation"
    assert path.stat().st_mode & 0o777 == 0o644
    assert [found.name for found in tmp_path.iterdir()] == ["dump.json"]


def test_a_file_that_cannot_be_written_is_said(tmp_path, capsys) -> None:
    assert main(["dump", "--output", str(tmp_path / "no" / "dump.json")]) == 1
    assert "No such file or directory" in capsys.readouterr().err


def test_what_is_no_file_is_written_to_and_stays(tmp_path):
    link = tmp_path / "link"
    link.symlink_to("/dev/stdout")
    command = [sys.executable, "-m", "kong_federation.cli", "dump", "--output", str(link)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["Plugins"]
    assert link.is_symlink()


def test_what_a_link_leads_to_is_written(tmp_path):
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "dump.json")
    assert main(["dump", "--output", str(link)]) == 0
    assert link.is_symlink()
    assert json.loads((tmp_path / "dump.json").read_text())
