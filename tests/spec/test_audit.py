"""The audit through the whole way, as anybody runs it: the gateway, its host and the subgraphs are processes."""

from __future__ import annotations

import subprocess
import sys

from spec.child import ROOT

# These pass completely, and stay so.
REQUIRED = (
    "simple-entity-call",
    "simple-requires-provides",
    "fed1-external-extends",
    "fed2-external-extension",
    "shared-root",
    "simple-override",
    "parent-entity-call",
    "nested-provides",
    "typename",
    "mutations",
    "enum-intersection",
    "abstract-types",
    "union-interface-distributed",
)


def test_the_audit_behind_the_stand_in():
    command = [sys.executable, "-m", "spec.audit", "--require", ",".join(REQUIRED)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].startswith("AUDIT ")
    assert done.stdout.splitlines()[-1].endswith("/102")
