import json
import subprocess
import sys

from kong_federation import __version__
from kong_federation.pluginserver.info import plugin_info


def test_kong_reads_one_plugin_with_one_phase():
    info = plugin_info()
    assert info["Protocol"] == "ProtoBuf:1"
    (plugin,) = info["Plugins"]
    assert {name: plugin[name] for name in ("Name", "Version", "Priority", "Phases")} == {
        "Name": "graphql-federation",
        "Version": __version__,
        "Priority": 5,
        "Phases": ["access"],
    }
    assert plugin["Schema"]["name"] == "graphql-federation"
    # Kong accepts x.y.z with nothing behind it.
    assert all(part.isdigit() for part in plugin["Version"].split("."))
    assert plugin["Version"].count(".") == 2


def test_the_command_prints_it_and_nothing_else():
    command = [sys.executable, "-m", "kong_federation.cli", "dump"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == plugin_info()
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""
