import json

import pytest

from kong_federation.cli.__main__ import main
from kong_federation.kong.lua import lua_schema
from kong_federation.kong.schema import plugin_schema
from kong_federation.settings import json_schema, reference


@pytest.mark.parametrize(
    ("arguments", "read", "expected"),
    [
        ([], json.loads, json_schema()),
        (["--format", "json"], json.loads, json_schema()),
        (["--format", "kong"], json.loads, plugin_schema()),
        (["--format", "lua"], str, lua_schema()),
        (["--format", "markdown"], str, reference()),
    ],
)
def test_every_form_is_printed(arguments, read, expected, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", *arguments]) == 0
    assert read(capsys.readouterr().out) == expected


def test_an_unknown_form_is_called_wrongly(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["schema", "--format", "xml"])
    assert caught.value.code == 2
    assert "markdown" in capsys.readouterr().err
