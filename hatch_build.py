"""
Compiles the modules on the way of every request, where this machine can (decision 18).

    KONG_FEDERATION_COMPILE=auto     compile them; if that fails, the wheel is plain Python and does the same, slower
    KONG_FEDERATION_COMPILE=always   fail if it fails
    KONG_FEDERATION_COMPILE=never    plain Python

An editable installation is always plain Python. `modules` in `pyproject.toml` says what is compiled.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGE = "kong_federation"

# Third parties are not installed where wheels are built; to the compiler, what comes from them is of any type.
COMPILE = """
import sys
from mypyc.build import mypycify
from setuptools import setup

options = ["--config-file=", "--ignore-missing-imports"]
extensions = mypycify([*options, *sys.argv[2:]], group_name=sys.argv[1], opt_level="3", debug_level="0")
setup(name=sys.argv[1], packages=[], ext_modules=extensions, script_args=["-q", "build_ext", "--inplace"])
"""

# The modules are one library, and nobody else calls into it: its functions call each other directly, and Python's
# without a detour (decision 18).
LINUX_FLAGS = "-fvisibility=hidden -fno-semantic-interposition -fno-plt"


class CompiledModules(BuildHookInterface[Any]):
    """Adds the compiled modules to the wheel, beside their sources."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """
        Compile before the wheel is put together.

        Args:
            version: `editable` or `standard`.
            build_data: What hatchling is told about the wheel.

        Raises:
            RuntimeError: It cannot be compiled, and has to be.
        """
        wish = os.environ.get("KONG_FEDERATION_COMPILE", "auto")
        if wish not in {"auto", "always", "never"}:
            raise RuntimeError(f"KONG_FEDERATION_COMPILE is auto, always or never, not {wish}")
        if version == "editable" or wish == "never":
            return
        folder = Path(tempfile.mkdtemp(prefix=f"{PACKAGE}-"))
        shutil.copytree(
            Path(self.root, PACKAGE), folder / PACKAGE, ignore=shutil.ignore_patterns("__pycache__", "*.so")
        )
        command = [sys.executable, "-c", COMPILE, PACKAGE, *self.config["modules"]]
        done = subprocess.run(command, cwd=folder, env=_environment(), capture_output=True, text=True, check=False)
        if done.returncode:
            shutil.rmtree(folder)
            self.app.display_error(done.stdout + done.stderr)
            if wish == "always":
                raise RuntimeError("the modules cannot be compiled")
            self.app.display_warning("the modules cannot be compiled; this wheel is plain Python")
            return
        self._made = folder
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
        libraries = [*folder.glob("*.so"), *folder.joinpath(PACKAGE).rglob("*.so")]
        build_data["force_include"].update({str(library): str(library.relative_to(folder)) for library in libraries})

    def finalize(self, _version: str, _build_data: dict[str, Any], _artifact: str) -> None:
        """Leave nothing behind."""
        if hasattr(self, "_made"):
            shutil.rmtree(self._made)


def _environment() -> dict[str, str]:
    if sys.platform != "linux":
        return {**os.environ}
    return {**os.environ, "CFLAGS": f"{LINUX_FLAGS} {os.environ.get('CFLAGS', '')}"}
