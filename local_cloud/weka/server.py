"""The sockets: a listener for each backend on its own address, TLS and plain HTTP on the same port.

One thread accepts for all listeners, so that hundreds of backends cost no polling; each connection has its own thread.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from types import SimpleNamespace
from typing import Any, cast

from .errors import DropConnection
from .web import Response

TLS_HANDSHAKE = b"\x16"  # the first byte of a TLS record that holds a ClientHello
IDLE_S = 60.0
Answer = Callable[[str, str, bytes, str], Response]  # verb, target, body, Authorization header


@dataclass
class _Listener:
    listening: socket.socket
    context: ssl.SSLContext
    answer: Answer
    open: set[socket.socket] = field(default_factory=set)


class Listeners:
    """The listeners of a process, by address."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._by_address: dict[str, _Listener] = {}
        self._lock = threading.Lock()
        self._selector = selectors.DefaultSelector()
        self._wake, self._woken = socket.socketpair()
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._closed = False
        self._thread = threading.Thread(target=self._accept, name="weka-accept", daemon=True)
        self._thread.start()

    def open(self, address: str, context: ssl.SSLContext, answer: Answer) -> None:
        """Listen at an address; nothing happens when it listens already. OSError when the port is taken."""
        with self._lock:
            if address in self._by_address:
                return
            listening = socket.create_server((address, self.port), backlog=128)
            listening.setblocking(False)
            listener = self._by_address[address] = _Listener(listening, context, answer)
            self._selector.register(listening, selectors.EVENT_READ, listener)
        self._wake.send(b"x")

    def close(self, address: str) -> None:
        """Listen no more at an address and break its connections."""
        with self._lock:
            listener = self._by_address.pop(address, None)
            if listener is None:
                return
            self._selector.unregister(listener.listening)
            listener.listening.close()
            for connection in list(listener.open):
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def addresses(self) -> list[str]:
        """Where something listens."""
        with self._lock:
            return list(self._by_address)

    def stop(self) -> None:
        """Close everything."""
        self._closed = True
        for address in self.addresses():
            self.close(address)
        self._wake.send(b"x")
        self._thread.join(5)
        self._selector.close()
        self._wake.close()
        self._woken.close()

    def _accept(self) -> None:
        while not self._closed:
            for key, _ in self._selector.select():
                if key.data is None:
                    self._woken.recv(64)
                    continue
                with contextlib.suppress(OSError):
                    connection, peer = key.data.listening.accept()
                    threading.Thread(target=_serve, args=(key.data, connection, peer), daemon=True).start()


def _serve(listener: _Listener, connection: socket.socket, peer: Any) -> None:
    listener.open.add(connection)
    stream = connection
    try:
        connection.settimeout(IDLE_S)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if connection.recv(1, socket.MSG_PEEK) == TLS_HANDSHAKE:
            stream = listener.context.wrap_socket(connection, server_side=True)
            listener.open.discard(connection)
            listener.open.add(stream)
        _Handler(stream, peer, SimpleNamespace(answer=listener.answer))  # type: ignore[arg-type]
    except (OSError, ValueError):
        pass  # the other side went away, or does not trust the certificate
    finally:
        listener.open.discard(connection)
        listener.open.discard(stream)
        with contextlib.suppress(OSError):
            stream.close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "weka"
    wbufsize = -1

    def _respond(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            answer: Answer = cast(Any, self.server).answer
            response = answer(self.command, self.path, body, self.headers.get("Authorization", ""))
        except DropConnection:
            self.close_connection = True
            return
        self.send_response(response.status)
        self.send_header("Content-Type", response.content_type)
        self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)
        self.wfile.flush()

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _respond  # noqa: N815  (http.server's names)

    def log_message(self, format: str, *args: Any) -> None:
        """Stay quiet: what happened is in the cluster's state and events."""
