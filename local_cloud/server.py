"""The HTTP server: moto behind our middlewares, on one loopback port, one thread a connection.

Order, from outside: the control API, what seams add, the fault layer with its count of calls, moto.
"""

from __future__ import annotations

import contextlib
import io
import socket
import traceback
from collections.abc import Callable, Iterable
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import ThreadedWSGIServer

from . import control, faults
from .calls import identify
from .process import Wsgi, cloud

NESTING = {"lambda:Invoke", "lambda:InvokeAsync", "states:StartSyncExecution"}


class Handler(MotoRequestHandler):
    """moto's request handler with keep-alive and whole, unbuffered answers: a call costs 1 ms instead of 12."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def log(self, type: str, message: str, *args: Any) -> None:
        """Stay quiet: the count of calls is what there is to know."""

    def handle_expect_100(self) -> bool:
        """Answer `Expect: 100-continue` now and not with the buffered rest."""
        going_on = super().handle_expect_100()
        self.wfile.flush()
        return going_on

    def run_wsgi(self) -> None:
        """Read the whole request, run the application, send the whole answer, keep the connection."""
        environ = self.make_environ()
        body = environ["wsgi.input"].read() if environ.get("wsgi.input_terminated") else self._read_body()
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        environ["wsgi.input"] = io.BytesIO(body)
        environ["wsgi.input_terminated"] = True
        environ["CONTENT_LENGTH"] = str(len(body))
        answer: dict[str, Any] = {}

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[..., Any]:
            answer.update(status=status, headers=headers)
            return lambda data: answer.setdefault("written", []).append(data)

        try:
            parts = self.server.app(environ, start_response)
            data = b"".join(answer.get("written", [])) + b"".join(parts)
        except faults.DropConnection:
            self._drop()
            return
        except Exception as error:
            traceback.print_exc()
            answer.update(status="500 Internal Server Error", headers=[("Content-Type", "text/plain")])
            data = f"{type(error).__name__}: {error}".encode()
        try:
            self._send(answer["status"], answer["headers"], data)
        except OSError:
            self.close_connection = True

    def _read_body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _send(self, status: str, headers: list[tuple[str, str]], data: bytes) -> None:
        code, _, reason = status.partition(" ")
        self.send_response(int(code), reason)
        for name, value in headers:
            if name.lower() not in ("content-length", "connection", "date", "server", "transfer-encoding"):
                self.send_header(name, value)
        lengths = [value for name, value in headers if name.lower() == "content-length"]
        head = self.command == "HEAD"
        if int(code) != 204:
            self.send_header("Content-Length", lengths[0] if head and lengths else str(len(data)))
        self.end_headers()
        if not head and int(code) != 204:
            self.wfile.write(data)
        self.wfile.flush()

    def _drop(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)


class Dispatcher(DomainDispatcherApplication):
    """moto's choice of a service, remembered by host: moto looks through 170 folders for every request."""

    def __init__(self) -> None:
        super().__init__(create_backend_app)
        self._known: dict[str | None, Any] = {}

    def get_backend_for_host(self, host: str | None) -> Any:
        """moto's service for a host, None when there is none."""
        if host not in self._known:
            self._known[host] = super().get_backend_for_host(host)
        return self._known[host]


class Server(ThreadedWSGIServer):
    """One thread a connection; a long queue, because a play opens many connections at once."""

    request_queue_size = 256
    daemon_threads = True


def locked(app: Wsgi) -> Wsgi:
    """Let moto work on one request at a time: its stores are plain dictionaries.

    A call that runs a function is let through, because the function calls back.
    """

    def wrapped(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        call = environ.get("local_cloud.call") or identify(environ)
        if call.name in NESTING:
            return app(environ, start_response)
        with cloud.moto_lock:
            return list(app(environ, start_response))

    return wrapped


def application() -> Wsgi:
    """The whole WSGI application; seams must have been installed."""
    app = faults.middleware(locked(Dispatcher()))
    for middleware in cloud.middlewares:
        app = middleware(app)
    return control.middleware(app)


def make_server(port: int) -> Server:
    """Bind the server; port 0 takes a free one. The process's address is known afterwards."""
    server = Server(cloud.host, port, application(), handler=Handler)
    cloud.port = server.server_address[1]
    return server
