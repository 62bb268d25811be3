"""
The whole thing on one machine: four subgraphs, the plugin server, the stand-in for Kong, one real query.

    make demo              stays up until Ctrl-C
    make demo ONCE=1       ends after the answer; the exit status says whether it was right
"""

from __future__ import annotations

import argparse
import json
import shlex
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, NoReturn

from children import ChildDiedError, Children, end_like_ctrl_c

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples"
QUERY = EXAMPLES / "query.graphql"
ANSWER = EXAMPLES / "query.answer.json"
SUBGRAPHS = ("accounts", "products", "inventory", "reviews")
FIRST_PORT = 4001  # of the subgraphs, as kong.yml has them
CLI = (sys.executable, "-m", "kong_federation.cli.__main__")
START_SECONDS = 30.0  # a laptop that is busy with other things imports slowly


class DemoError(Exception):
    """Something to tell the person at the terminal."""


def main() -> int:
    """Run the demonstration; the exit status is 0 if it went well."""
    arguments = parse_arguments()
    end_like_ctrl_c()
    try:
        with Children() as children:
            try:
                return run(children, arguments)
            except KeyboardInterrupt:
                print("\nEnding everything.", flush=True)
                raise
    except (DemoError, ChildDiedError, TimeoutError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130 if arguments.once else 0


def run(children: Children, arguments: argparse.Namespace) -> int:
    """Start everything, show one query's way, and stay up."""
    ports = {name: arguments.subgraph_port + place for place, name in enumerate(SUBGRAPHS)}
    refuse_taken_ports(arguments.port, ports, arguments.subgraph_port)
    start_subgraphs(children, ports)
    url = start_gateway(children, arguments.port, ports)
    show("The operation", QUERY.read_text())
    show("Its plan", plan())
    answer = post(url, {"query": QUERY.read_text()})
    show("The answer", json.dumps(answer, indent=2, ensure_ascii=False))
    right = answer == json.loads(ANSWER.read_text())
    print(f"\nThe answer {'is right' if right else f'differs from {ANSWER.relative_to(ROOT)}'}.")
    if not arguments.once:
        stay(children, url)
    return 0 if right else 1


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Run the demonstration.")
    parser.add_argument(
        "--port", type=port_number, default=8000, help="port of the stand-in for Kong (default: %(default)s)"
    )
    parser.add_argument(
        "--subgraph-port",
        type=port_number,
        default=FIRST_PORT,
        help="first of the four ports of the subgraphs (default: %(default)s)",
    )
    parser.add_argument("--once", action="store_true", help="end after the answer, with status 0 if it is right")
    return parser.parse_args()


def port_number(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= 65_535 - len(SUBGRAPHS):
        raise argparse.ArgumentTypeError(f"{text} is not a port that can be used here")
    return int(text)


def refuse_taken_ports(port: int, ports: dict[str, int], first: int) -> None:
    """Say it before anything has started, and what to do about it."""
    taken = [f"Port {number} for {name} is taken." for name, number in ports.items() if is_taken(number)]
    if taken:
        taken.append(f"Choose four others with: python examples/demo.py --subgraph-port {first + 100}")
    if is_taken(port):
        taken.append(f"Port {port} for the stand-in for Kong is taken.")
        taken.append(f"Choose another with: python examples/demo.py --port {port + 100}")
    if taken:
        raise DemoError("\n".join(taken))


def is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # an ended server's port is not taken
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def start_subgraphs(children: Children, ports: dict[str, int]) -> None:
    print("Starting four subgraphs")
    start = time.monotonic()
    for name, port in ports.items():
        script = EXAMPLES / "subgraphs" / f"{name}.py"
        children.start(name, [sys.executable, str(script), "--port", str(port)], cwd=ROOT)
    for name, port in ports.items():
        url = f"http://127.0.0.1:{port}/graphql"
        children.wait_until(lambda url=url: answers(url), name, START_SECONDS)
        print(f"  {name:<10} {url}   after {time.monotonic() - start:.1f} s", flush=True)


def start_gateway(children: Children, port: int, ports: dict[str, int]) -> str:
    command = [*CLI, "dev", configuration(children.folder, ports), "--port", str(port)]
    print("\nStarting the stand-in for Kong and the plugin server")
    print(f"  kong-federation {shlex.join(command[len(CLI) :])}", flush=True)
    children.start("kong-federation dev", command, cwd=ROOT)
    url = f"http://127.0.0.1:{port}/graphql"
    took = children.wait_until(lambda: answers(url), "The gateway", START_SECONDS)
    print(f"  {url}   after {took:.1f} s", flush=True)
    return url


def configuration(folder: Path, ports: dict[str, int]) -> str:
    """kong.yml as it is, or a copy of it for other ports of the subgraphs."""
    if ports[SUBGRAPHS[0]] == FIRST_PORT:
        return "kong.yml"
    text = (ROOT / "kong.yml").read_text()
    for place, name in enumerate(SUBGRAPHS):
        text = text.replace(f"http://127.0.0.1:{FIRST_PORT + place}/", f"http://127.0.0.1:{ports[name]}/")
    copy = folder / "kong.yml"
    copy.write_text(text)
    return str(copy)


def plan() -> str:
    """What `kong-federation plan` prints for the query."""
    command = [*CLI, "plan", str(EXAMPLES / "supergraph.graphql"), str(QUERY)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise DemoError(f"kong-federation plan failed with status {done.returncode}:\n{done.stderr}")
    return done.stdout


def post(url: str, body: dict[str, Any]) -> Any:
    """
    Send a GraphQL request.

    Raises:
        DemoError: It was not answered with 200 and JSON.
    """
    headers = {"content-type": "application/json", "accept": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            raise DemoError(f"{url} answered {error.code}:\n{error.read().decode(errors='replace')}") from error
    except (OSError, ValueError) as error:
        raise DemoError(f"{url} did not answer: {error}") from error


def answers(url: str) -> bool:
    try:
        return "data" in post(url, {"query": "{ __typename }"})
    except DemoError:
        return False


def show(title: str, text: str) -> None:
    print(f"\n--- {title} {'-' * (74 - len(title))}\n\n{text.rstrip()}", flush=True)


def stay(children: Children, url: str) -> NoReturn:
    """
    Be there until Ctrl-C.

    Raises:
        ChildDiedError: One of the processes is not there any more.
    """
    members = url.replace("/graphql", "/members/graphql")
    print(f"\nThe shop is open at {url}. Try:\n")
    print(curl(url, "{ me { name memberSince posts { body } } }", "authorization: Bearer jun"))
    print(curl(url, REVIEW))
    print(curl(members, "{ warehouses { name city } }", "apikey: ines-demo-key"))
    print("\nCtrl-C ends everything.", flush=True)
    while True:
        children.check()
        time.sleep(0.5)


REVIEW = (
    'mutation { addReview(review: {author: "3", product: "lantern", stars: 5, body: "Lit the whole bay."})'
    " { author { name } product { name averageStars } } }"
)


def curl(url: str, query: str, *headers: str) -> str:
    """A line to copy."""
    words = ["curl", "-s", url]
    for header in ("content-type: application/json", *headers):
        words += ["-H", header]
    return f"  {shlex.join([*words, '-d', json.dumps({'query': query})])}"


if __name__ == "__main__":
    sys.exit(main())
