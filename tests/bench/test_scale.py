"""The bench of workers compares like with like, and its Redis is its own."""

import shutil
import socket
from urllib.parse import urlsplit

import pytest

from bench import scale
from bench.scale import Run


def test_each_way_is_compared_with_its_own_first_row() -> None:
    runs = [
        Run("commands", 1, 6.0, 6.1),
        Run("commands", 3, 4.0, 6.4),
        Run("celery", 1, 18.0, 2.0),
        Run("celery", 3, 9.0, 2.1),
    ]
    rows = [line.split() for line in scale.report(runs).splitlines()[1:5]]
    assert [(way, workers, times) for way, workers, _, _, times in rows] == [
        ("commands", "1", "1.00"),
        ("commands", "3", "1.50"),
        ("celery", "1", "1.00"),
        ("celery", "3", "2.00"),
    ]


def test_an_unknown_way_is_named_before_anything_is_started() -> None:
    with pytest.raises(SystemExit, match=r"\['kubernetes'\] are unknown; known: commands, celery"):
        scale.measure(["commands", "kubernetes"], [1])


@pytest.mark.skipif(shutil.which("redis-server") is None, reason="redis-server is not installed")
def test_its_redis_lets_nobody_in_without_the_password_and_is_gone_afterwards() -> None:
    with scale.redis_server() as address:
        place = urlsplit(address)
        assert place.hostname == "127.0.0.1"
        with socket.create_connection(("127.0.0.1", place.port or 0), timeout=30) as connection:
            connection.sendall(b"PING\r\n")
            assert connection.recv(100).startswith(b"-NOAUTH")
            connection.sendall(f"AUTH {place.password}\r\nPING\r\n".encode())
            assert connection.recv(100).startswith(b"+OK")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", place.port or 0), timeout=30)
