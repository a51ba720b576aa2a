"""What the end-to-end tests stand on: servers in folders of their own, raw RESP, waiting for facts."""

from .cli import redis_cli, run_redis_cli
from .clusters import Cluster
from .ports import free_port, free_ports
from .reference import beyond_redis
from .resp import Connection, parse_reply, request_bytes
from .servers import Server, reference_binary, server_binary
from .waiting import wait_until

__all__ = [
    "Cluster",
    "Connection",
    "Server",
    "beyond_redis",
    "free_port",
    "free_ports",
    "parse_reply",
    "redis_cli",
    "reference_binary",
    "request_bytes",
    "run_redis_cli",
    "server_binary",
    "wait_until",
]
