"""`kong-federation doctor`: does a deployment hold together?"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from kong_federation import __version__
from kong_federation.cli.arguments import seconds
from kong_federation.doctor import Finding, State, Wanted, examine

EPILOG = """\
looks at what is named and at what that leads to: from Kong's configuration to the plugin server's socket, its protocol
and its answer to a first question, the supergraph, and the subgraphs. Best run where the plugin server runs, as Kong's
user. It changes nothing; the plugin server sees a configuration come and go, each subgraph sees one request.

examples:
  kong-federation doctor kong.yml
  kong-federation doctor --socket /run/kong-federation/graphql-federation.socket kong.yml
  kong-federation doctor --admin-url http://127.0.0.1:8001 --dump /run/kong-federation/dump.json
  kong-federation doctor kong.yml --json | jq '.findings[] | select(.state == "failed")'

exit status: 0 nothing failed (there may be warnings), 1 something failed, 2 called wrongly
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = EPILOG
    parser.add_argument("config", type=Path, nargs="?", help="the kong.yml that Kong is started with")
    parser.add_argument("--admin-url", metavar="URL", help="Kong's Admin API")
    parser.add_argument("--insecure", action="store_true", help="take any certificate of the Admin API")
    parser.add_argument("--socket", type=Path, metavar="PATH", help="the plugin server's (default: what Kong says)")
    parser.add_argument("--dump", type=Path, metavar="FILE", help="the file that Kong's query command prints")
    parser.add_argument(
        "--timeout",
        type=seconds(60),
        default=10.0,
        metavar="SECONDS",
        help="for each thing asked (default: %(default)g)",
    )
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Examine, and print what was found."""
    wanted = Wanted(
        kong_yml=arguments.config,
        admin_url=arguments.admin_url,
        socket=arguments.socket,
        dump=arguments.dump,
        timeout=arguments.timeout,
        verify=not arguments.insecure,
    )
    if not (wanted.kong_yml or wanted.admin_url or wanted.socket or wanted.dump):
        print("kong-federation doctor: name something to look at: a kong.yml, --admin-url, --socket", file=sys.stderr)
        return 2
    findings = examine(wanted)
    print(_as_json(findings) if arguments.json else _as_text(findings))
    return 1 if any(finding.state is State.FAILED for finding in findings) else 0


def _as_json(findings: Sequence[Finding]) -> str:
    listed = [
        {"check": one.check, "state": one.state.value, "text": one.text, "advice": one.advice or None}
        for one in findings
    ]
    summary = {state.value: count for state, count in _counted(findings).items()}
    return json.dumps({"version": __version__, "summary": summary, "findings": listed}, indent=2, ensure_ascii=False)


def _as_text(findings: Sequence[Finding]) -> str:
    lines = []
    check = ""
    for finding in findings:
        if finding.check != check:
            check = finding.check
            lines.append(check)
        state = finding.state.value.upper() if finding.state is State.FAILED else finding.state.value
        lines.append(f"  {state:<8} {finding.text}")
        if finding.advice:
            lines.append(f"           -> {finding.advice}")
    counted = _counted(findings)
    lines += [
        "",
        ", ".join(f"{count} {state.value}" for state, count in counted.items() if count or state is State.FAILED),
    ]
    return "\n".join(lines)


def _counted(findings: Sequence[Finding]) -> dict[State, int]:
    return {state: sum(finding.state is state for finding in findings) for state in State}
