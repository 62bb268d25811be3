"""
What is asked of the Admin API, in this order, of a Kong and of the stand-in.

    python -m tests.standin.admin_cases http://127.0.0.1:8001 > tests/standin/admin.json

asks a running Kong without a database and without a configuration, which has the plugin and nothing else beside its
own, and prints its answers: the recording that the stand-in is held to.
"""

from __future__ import annotations

import http.client
import json
import sys
import urllib.parse
from dataclasses import dataclass
from typing import Any

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
CONFIG = {"supergraph": {"path": "/x"}}
PLUGIN = {"name": "graphql-federation", "config": CONFIG}
ROUTE = "ecf374ca-cf60-5fce-b76d-1e9999b3828b"  # the id of a route `graphql` in a declarative configuration
PLUGIN_ID = "1297d80a-744d-5bd0-932e-71472c6bd51a"  # of the plugin on it
NOBODY = "ecf374ca-cf60-5fce-b76d-1e9999b3828c"

TEXT = """\
_format_version: "3.0"
routes:
  - name: graphql
    paths: [/graphql]
    methods: [GET, POST]
    strip_path: false
    plugins:
      - name: graphql-federation
        config: {supergraph: {path: /x}}
"""
STEERED = {
    "_format_version": "3.0",
    "upstreams": [{"name": "graphql.closed"}],
    "services": [
        {
            "name": "graphql",
            "host": "graphql.closed",
            "routes": [{"name": "graphql", "paths": ["/graphql"], "strip_path": False, "plugins": [PLUGIN]}],
        }
    ],
    "consumers": [{"username": "ines", "keyauth_credentials": [{"key": "k"}]}],
}
NAMED = {
    "_format_version": "3.0",
    "routes": [{"name": "graphql", "paths": ["/graphql"], "plugins": [{**PLUGIN, "instance_name": "shop"}]}],
}
WRONG = {
    "_format_version": "3.0",
    "routes": [
        {
            "name": "graphql",
            "paths": ["/graphql"],
            "plugins": [
                {
                    "name": "graphql-federation",
                    "config": {"supergraph": {"path": "/x", "sdl": "y"}, "limits": {"deadline": 0}},
                }
            ],
        }
    ],
}
WRONG_ROUTE = {"_format_version": "3.0", "routes": [{"name": "graphql", "paths": ["graphql"], "foo": 1}]}
MANY = {
    "supergraph": {"path": "/x"},
    "limits": {"deadline": 0, "max_tokens": "x"},
    "foo": 1,
    "subgraphs": [{"name": "a"}, {"url": "ftp://x"}],
}
FILE = f'--b\r\nContent-Disposition: form-data; name="config"; filename="kong.yml"\r\n\r\n{TEXT}\r\n--b--\r\n'


@dataclass(frozen=True)
class Case:
    method: str
    path: str
    body: Any = None
    type: str = ""

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def content(self) -> bytes | None:
        if self.body is None:
            return None
        return self.body.encode() if isinstance(self.body, str) else json.dumps(self.body).encode()


def form(**fields: str) -> str:
    return urllib.parse.urlencode(fields)


CASES = [
    Case("GET", "/nope"),
    Case("GET", "/schemas/plugins/nope"),
    Case("GET", "/routes"),
    Case("POST", "/schemas/plugins/validate", PLUGIN, JSON),
    Case("POST", "/schemas/plugins/validate", {"name": "graphql-federation"}, JSON),
    Case("POST", "/schemas/plugins/validate", {"name": "graphql-federation", "config": MANY}, JSON),
    Case("POST", "/schemas/plugins/validate", {**PLUGIN, "protocols": ["grpc"]}, JSON),
    Case("POST", "/schemas/plugins/validate", {**PLUGIN, "foo": 1}, JSON),
    Case("POST", "/schemas/plugins/validate", {"config": {}}, JSON),
    Case("POST", "/schemas/plugins/validate", {"name": "nope", "config": {}}, JSON),
    Case("POST", "/schemas/plugins/validate", '{"name":', JSON),
    Case("POST", "/schemas/plugins/validate", [1], JSON),
    Case("POST", "/schemas/plugins/validate"),
    Case("GET", "/schemas/plugins/validate"),
    Case("POST", "/schemas/plugins/graphql-federation", {}, JSON),
    Case("POST", "/routes", {"name": "graphql", "paths": ["/graphql"]}, JSON),
    Case("POST", "/routes", {"name": "graphql", "paths": ["graphql"]}, JSON),
    Case("POST", "/services", {"name": "s", "url": "http://a"}, JSON),
    Case("POST", "/upstreams", {"name": "s"}, JSON),
    Case("POST", "/consumers", {"username": "s"}, JSON),
    Case("POST", "/plugins", PLUGIN, JSON),
    Case("POST", "/routes/graphql/plugins", PLUGIN, JSON),
    Case("PUT", "/routes/graphql", {"paths": ["/graphql"]}, JSON),
    Case("PATCH", "/routes/graphql", {"paths": ["/graphql"]}, JSON),
    Case("DELETE", "/routes/graphql"),
    Case("PATCH", f"/plugins/{PLUGIN_ID}", {"config": {"limits": {"deadline": 5000}}}, JSON),
    Case("POST", "/config", {"config": TEXT}, JSON),
    Case("POST", "/config?check_hash=1", {"config": TEXT}, JSON),
    Case("POST", "/config", form(config=TEXT), FORM),
    Case("POST", "/config", TEXT, "text/yaml"),
    Case("POST", "/config", FILE, "multipart/form-data; boundary=b"),
    Case("GET", "/routes"),
    Case("GET", "/routes/"),
    Case("GET", "/routes/graphql"),
    Case("GET", f"/routes/{ROUTE}"),
    Case("GET", "/routes/nope"),
    Case("GET", "/routes/graphql/plugins"),
    Case("GET", f"/routes/graphql/plugins/{PLUGIN_ID}"),
    Case("GET", "/routes/nope/plugins"),
    Case("GET", "/plugins"),
    Case("GET", f"/plugins/{PLUGIN_ID}"),
    Case("GET", "/plugins/nope"),
    Case("PUT", f"/routes/{ROUTE}", {"paths": ["/g"]}, JSON),
    Case("PUT", f"/routes/{ROUTE}", {"paths": ["g"]}, JSON),
    Case("PATCH", "/routes/graphql", {"paths": ["/g"]}, JSON),
    Case("PATCH", f"/routes/{ROUTE}", {"paths": ["/g"]}, JSON),
    Case("PATCH", f"/routes/{ROUTE}", {"paths": ["g"]}, JSON),
    Case("DELETE", "/routes/graphql"),
    Case("DELETE", f"/routes/{ROUTE}"),
    Case("DELETE", f"/routes/{NOBODY}"),
    Case("PATCH", f"/plugins/{PLUGIN_ID}", {"config": {"limits": {"deadline": 5000}}}, JSON),
    Case("PATCH", f"/plugins/{PLUGIN_ID}", {"config": {"limits": {"deadline": 0}}}, JSON),
    Case("PUT", f"/plugins/{PLUGIN_ID}", PLUGIN, JSON),
    Case("PUT", f"/plugins/{PLUGIN_ID}", {**PLUGIN, "config": {}}, JSON),
    Case("DELETE", f"/plugins/{PLUGIN_ID}"),
    Case("POST", "/routes/graphql/plugins", PLUGIN, JSON),
    Case("POST", "/routes/graphql/plugins", {**PLUGIN, "config": {}}, JSON),
    Case("PATCH", f"/routes/graphql/plugins/{PLUGIN_ID}", {"config": {"limits": {"deadline": 5000}}}, JSON),
    Case("POST", "/config", NAMED, JSON),
    Case("GET", "/plugins/shop"),
    Case("PATCH", "/plugins/shop", {"config": {"limits": {"deadline": 5000}}}, JSON),
    Case("PATCH", "/plugins/shop", {"config": {"limits": {"deadline": 0}}}, JSON),
    Case("PATCH", "/plugins/nope", {"config": {"limits": {"deadline": 5000}}}, JSON),
    Case("DELETE", "/plugins/shop"),
    Case("DELETE", "/plugins/nope"),
    Case("POST", "/config", WRONG, JSON),
    Case("POST", "/config?flatten_errors=1", WRONG, JSON),
    Case("POST", "/config?flatten_errors=1", WRONG_ROUTE, JSON),
    Case("POST", "/config", {"routes": []}, JSON),
    Case("POST", "/config"),
    Case("POST", "/config", '{"a":', JSON),
    Case("POST", "/config", form(a="b"), FORM),
    Case("POST", "/config", {"_format_version": "3.0", "plugins": [{"name": "nope"}]}, JSON),
    Case("POST", "/config?flatten_errors=1", {"_format_version": "3.0", "plugins": [{"name": "nope"}]}, JSON),
    Case("POST", "/config", {"_format_version": "3.0", "x": []}, JSON),
    Case("POST", "/config", {"_format_version": "9.0"}, JSON),
    Case("GET", "/plugins"),
    Case("POST", "/config", STEERED, JSON),
    Case("GET", "/services"),
    Case("GET", "/services/graphql"),
    Case("GET", "/services/graphql/routes"),
    Case("GET", "/upstreams/graphql.closed/targets"),
    Case("GET", "/consumers"),
    Case("POST", "/upstreams/graphql.closed/targets", {"target": "a:1"}, JSON),
    Case("GET", "/routes?size=0"),
    Case("GET", "/routes?size=x"),
    Case("GET", "/routes?offset=x"),
    Case("DELETE", "/status"),
    Case("DELETE", "/config"),
    Case("POST", "/config", {"config": '{"_format_version": "3.0"}'}, JSON),
    Case("GET", "/plugins"),
]


def ask(host: str, case: Case) -> tuple[int, dict[str, str], str]:
    """The status, the headers with lower-case names, the body."""
    connection = http.client.HTTPConnection(host, timeout=20)
    try:
        connection.request(
            case.method, case.path, case.content or (b"" if case.method == "POST" else None), _headers(case)
        )
        response = connection.getresponse()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return response.status, headers, response.read().decode()
    finally:
        connection.close()


def _headers(case: Case) -> dict[str, str]:
    return {"Content-Type": case.type} if case.type else {}


def main() -> None:
    host = urllib.parse.urlsplit(sys.argv[1]).netloc
    recorded = []
    for case in CASES:
        status, headers, text = ask(host, case)
        answer = json.loads(text) if text else None
        recorded.append({"asked": case.name, "status": status, "type": headers.get("content-type"), "answer": answer})
    sys.stdout.write(json.dumps(recorded, indent=1) + "\n")


if __name__ == "__main__":
    main()
