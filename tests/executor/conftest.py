"""Every test of the executor runs twice: by the interpreter, and by programs that are compiled at once."""

import pytest

from kong_federation.executor import execute
from kong_federation.executor.tier import Tier


class CompiledAtOnce(Tier):
    def __init__(self, plan):
        super().__init__(plan)
        self.compile()


class NeverCompiled(Tier):
    def program(self):
        return None


@pytest.fixture(autouse=True, params=[NeverCompiled, CompiledAtOnce], ids=["interpreted", "compiled"])
def tier(request, monkeypatch):
    monkeypatch.setattr(execute, "Tier", request.param)
    return request.param
