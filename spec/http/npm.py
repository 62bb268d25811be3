"""
The half of the audit that is not ours: Node.js, and npm's package `graphql-http` beside this file.

`package-lock.json` says which versions are installed and what they hash to, so every run asks the same questions.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
LEVELS: Final = ("MUST", "SHOULD", "MAY")

_INSTALL_PATIENCE = 300.0  # seconds; two small packages over a slow line
_AUDIT_PATIENCE = 300.0  # seconds for all audits; each takes milliseconds

# Package scripts are code of others that nothing here needs.
_INSTALL = ("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")


class MissingError(Exception):
    """What the audit is run with is not there; the message says what to do about it."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    One audit's outcome.

    Args:
        id: Of the audit, four characters.
        name: What it demands, beginning with its level.
        passed: Whether the gateway does it.
        reason: Why not.
    """

    id: str
    name: str
    passed: bool
    reason: str = ""

    @property
    def level(self) -> str:
        """MUST, SHOULD or MAY; what the package names otherwise counts as MUST, so that it is seen."""
        level = self.name.partition(" ")[0]
        return level if level in LEVELS else "MUST"


def install(folder: Path = HERE) -> str:
    """
    Have the packages in place, and say where Node.js is.

    Raises:
        MissingError: Node.js or npm is missing, or the packages cannot be installed.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        missing = ", ".join(name for name, path in (("node", node), ("npm", npm)) if path is None)
        raise MissingError(f"The audit is run with Node.js 18 or newer and npm. Not on PATH: {missing}.")
    if not _installed(folder):
        done = _run([npm, *_INSTALL], folder, _INSTALL_PATIENCE)
        if done.returncode != 0:
            raise MissingError(f"npm cannot install the audit's packages:\n{done.stderr.strip()}")
    return node


def audit(node: str, url: str, headers: Mapping[str, str], folder: Path = HERE) -> list[Verdict]:
    """
    Ask everything of one URL.

    Raises:
        MissingError: The audits cannot be run.
    """
    pairs = [f"{name}={value}" for name, value in headers.items()]
    done = _run([node, "audit.mjs", url, *pairs], folder, _AUDIT_PATIENCE)
    if done.returncode != 0:
        raise MissingError(f"node cannot run the audits:\n{done.stderr.strip()}")
    return list(read_verdicts(done.stdout))


def read_verdicts(output: str) -> Iterator[Verdict]:
    """The driver's lines of JSON."""
    for line in output.splitlines():
        yield Verdict(**json.loads(line))


def _installed(folder: Path) -> bool:
    """Whether what is in `node_modules` is what the lock names; npm keeps its own record there."""
    wanted = _versions(folder / "package-lock.json")
    return bool(wanted) and wanted == _versions(folder / "node_modules" / ".package-lock.json")


def _versions(lock: Path) -> dict[str, str]:
    try:
        packages = json.loads(lock.read_text(encoding="utf-8"))["packages"]
    except FileNotFoundError:
        return {}
    return {path: package["version"] for path, package in packages.items() if path}


def _run(command: list[str], folder: Path, patience: float) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=patience, check=False)
    except subprocess.TimeoutExpired:
        raise MissingError(f"{Path(command[0]).name} has not ended within {patience:g} seconds.") from None
