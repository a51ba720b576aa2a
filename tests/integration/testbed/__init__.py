"""What the end-to-end tests stand on: servers in folders of their own, raw RESP, waiting for facts."""

from .ports import free_port, free_ports
from .resp import Connection, parse_reply, request_bytes
from .servers import Server, reference_binary, server_binary
from .waiting import wait_until

__all__ = [
    "Connection",
    "Server",
    "free_port",
    "free_ports",
    "parse_reply",
    "reference_binary",
    "request_bytes",
    "server_binary",
    "wait_until",
]
