"""Something that answers HTTP, in a thread of its own."""

from __future__ import annotations

import contextlib
import json
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from kong_federation.kong.schema import plugin_schema


class Served:
    """
    Answers by path.

    Args:
        answers: Path to (status, content type, body), or to seconds of silence.
        certificate: A PEM file with certificate and key, for TLS.
    """

    def __init__(self, answers, certificate=None):
        self.asked = []
        self.authorization = None
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                length = int(self.headers.get("content-length") or 0)
                outer.asked.append((self.command, self.path, self.rfile.read(length)))
                outer.authorization = self.headers.get("authorization")
                answer = answers.get(self.path, (404, "text/html", "<p>nothing here</p>"))
                if isinstance(answer, (int, float)):
                    time.sleep(answer)
                    answer = (200, "text/plain", "late")
                status, kind, body = answer
                content = (body if isinstance(body, str) else json.dumps(body)).encode()
                self.send_response(status)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(content)))
                if 300 <= status < 400:
                    self.send_header("location", "/graphql")
                self.end_headers()
                with contextlib.suppress(BrokenPipeError):  # it was not waited for
                    self.wfile.write(content)

            do_POST = do_GET  # noqa: N815 - the library's name

            def version_string(self):
                return "kong/3.9.3"

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self.url = f"http{'s' if certificate else ''}://127.0.0.1:{self._server.server_port}"

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


JSON = "application/json"
GRAPH = (200, JSON, {"data": {"__typename": "Query"}})


def admin(**changed):
    """What an Admin API answers that knows the plugin and has nothing configured; `changed` by path without slashes."""
    empty = (200, JSON, {"data": [], "next": None})
    root = {
        "version": "3.9.3",
        "configuration": {"nginx_http_client_body_buffer_size": "2m", "pluginservers": []},
        "plugins": {"available_on_server": {"graphql-federation": {"version": "0.1.0", "priority": 5}}},
    }
    answers = {
        "root": (200, JSON, root),
        "schemas/plugins/graphql-federation": (200, JSON, plugin_schema()),
        "plugins/enabled": (200, JSON, {"enabled_plugins": ["key-auth", "graphql-federation"]}),
        **dict.fromkeys(("services", "routes", "plugins", "upstreams"), empty),
        **changed,
    }
    return {f"/{'' if name == 'root' else name}": answer for name, answer in answers.items()}
