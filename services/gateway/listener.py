"""Listening sockets that several gateways on one machine may share, the one that leaves and the one that comes among them."""

from __future__ import annotations

import contextlib
import resource
import socket


def listen(host: str, port: int, receive_buffer: int = 0) -> socket.socket:
    """A listening TCP socket with SO_REUSEPORT. `receive_buffer` in bytes bounds what the kernel keeps for a connection
    that is not read; 0 leaves it to the kernel. Raises OSError with the address in its text."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if receive_buffer:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        listener.bind((host, port))
        listener.listen(4096)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise OSError(error.errno, f"cannot listen on {host}:{port}: {error.strerror}") from error
    return listener


def backlog(listener: socket.socket) -> list[socket.socket]:
    """Takes the connections that the kernel has accepted and nobody has fetched: closing the listener would reset them."""
    connections: list[socket.socket] = []
    with contextlib.suppress(OSError):
        while len(connections) < 4096:
            connection, _ = listener.accept()
            connection.setblocking(False)
            connections.append(connection)
    return connections


def raise_file_limit() -> None:
    """Lets the process have as many connections as the machine allows it."""
    with contextlib.suppress(OSError, ValueError):
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
