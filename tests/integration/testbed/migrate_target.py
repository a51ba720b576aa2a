"""A target for MIGRATE that is nothing but a socket: it writes down what it is sent and answers as it is told."""

import socket
import threading

from .resp import parse_reply, reply_end


class FakeTarget:
    """Listens on a port of its own. `answer` is given each request's words and says what to reply.

    It returns bytes to send, None to stay silent, or CLOSE to end the connection. `requests` holds what came, as
    (connection, words), connections counted from 1 in the order they came.
    """

    CLOSE = object()

    def __init__(self, answer=lambda words: b"+OK\r\n", host="127.0.0.1"):
        self.answer = answer
        self.host = host
        self.requests = []
        self.connections = 0
        self.ended = 0
        self._open = []
        self._lock = threading.Lock()
        self._listener = socket.create_server((host, 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def words(self):
        """What came, whichever connection it came by."""
        with self._lock:
            return [words for _, words in self.requests]

    def answer_now(self, reply):
        """To the connection that was made last, though it asked a while ago."""
        self._open[-1].sendall(reply)

    def take(self):
        """What came since the last call, with its connections."""
        with self._lock:
            taken, self.requests = self.requests, []
            return taken

    def close_connections(self):
        with self._lock:
            for each in self._open:
                try:
                    each.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def stop(self):
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()
        self.close_connections()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self.connections += 1
                self._open.append(connection)
                number = self.connections
            threading.Thread(target=self._serve, args=(connection, number), daemon=True).start()

    def _serve(self, connection, number):
        data = bytearray()
        with connection:
            while True:
                end = reply_end(data) if data else None
                if end is None:
                    try:
                        more = connection.recv(1 << 18)
                    except OSError:
                        more = b""
                    if not more:
                        with self._lock:
                            self.ended += 1
                        return
                    data += more
                    continue
                words = [word for _, word in parse_reply(bytes(data[:end]))[1]]
                del data[:end]
                with self._lock:
                    self.requests.append((number, words))
                reply = self.answer(words)
                if reply is self.CLOSE:
                    with self._lock:
                        self.ended += 1
                    return
                if reply is not None:
                    try:
                        connection.sendall(reply)
                    except OSError:
                        return

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
