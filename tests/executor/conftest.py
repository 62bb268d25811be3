"""Every test of the executor runs thrice: by the interpreter, and by programs, made at once, of both kinds."""

import pytest

from kong_federation.executor import execute
from kong_federation.executor.tier import Tier


class CompiledAtOnce(Tier):
    def __init__(self, plan):
        super().__init__(plan)
        self.compile()


class CompiledInDoubt(Tier):
    def __init__(self, plan):
        super().__init__(plan)
        self._trusting = False
        self.compile()


class NeverCompiled(Tier):
    def program(self):
        return None


TIERS = {"interpreted": NeverCompiled, "compiled": CompiledAtOnce, "in doubt": CompiledInDoubt}


@pytest.fixture(autouse=True, params=TIERS.values(), ids=TIERS)
def tier(request, monkeypatch):
    monkeypatch.setattr(execute, "Tier", request.param)
    return request.param
