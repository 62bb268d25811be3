import importlib

import pytest

from kong_federation.cli.__main__ import main


@pytest.mark.parametrize(("package", "told"), [("aiohttp", True), ("kong_federation.missing", False)])
def test_a_command_says_which_extra_it_needs(package, told, monkeypatch, capsys):
    def absent(name):
        raise ModuleNotFoundError(f"No module named '{package}'", name=package)

    monkeypatch.setattr(importlib, "import_module", absent)
    with pytest.raises(SystemExit if told else ModuleNotFoundError) as raised:
        main(["dev", "kong.yml"])
    if told:
        assert raised.value.code == 1
        assert "dev needs aiohttp: pip install 'kong-federation[standin]'" in capsys.readouterr().err
