"""Asks the node's agent for derived keys, over its UNIX socket.

Python's sockets, so that eventlet's hub goes on with other requests while one waits; but the answer is received straight
into locked memory (SecureBuffer) and never becomes a Python object."""

import socket

from sallyport_swift._sallyport import SecureBuffer

FIRST_BUFFER = 2048
LARGEST_ANSWER = 1 << 20
IDLE_CONNECTIONS = 64


class AgentAway(Exception):
    """The agent cannot be reached, is overloaded, or has no root secrets yet: try again later."""


class AgentRefuses(Exception):
    """The agent answers, but not with keys: it or its configuration has to be looked at."""


class Connection:
    """One keep-alive connection."""

    def __init__(self, path, timeout):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self.socket.settimeout(timeout)
            self.socket.connect(path)
        except OSError:
            self.socket.close()
            raise

    def close(self):
        self.socket.close()

    def ask(self, target):
        """(status, buffer, begin of the body, its length, whether the connection may be used again)"""
        self.socket.sendall(b"GET " + target + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
        buffer, filled, head, needed = SecureBuffer(FIRST_BUFFER), 0, None, 0
        while head is None or filled < needed:
            if filled == len(buffer):
                if needed > LARGEST_ANSWER or filled > LARGEST_ANSWER:
                    raise ValueError("the agent's answer is too long")
                buffer = buffer.grown(max(needed, 2 * filled), filled)
            received = self.socket.recv_into(memoryview(buffer)[filled:])
            if not received:
                raise ConnectionResetError("the agent closed the connection")
            filled += received
            if head is None:
                head = buffer.http_head(filled)
                if head is not None:
                    needed = head[2] + head[1]
        status, length, begin, stays = head
        return status, buffer, begin, length, stays


class AgentKeys:
    """Any number of green threads may use one of these at a time; each has a connection to itself meanwhile."""

    def __init__(self, path, timeout):
        self.path = path
        self.timeout = timeout
        self.idle = []

    def provide(self, request):
        """Asks until `request` (a _sallyport.Request) misses no key. Raises AgentAway or AgentRefuses."""
        question = request.question()
        while question is not None:
            status, buffer, begin, length = self._ask(question)
            if status == 503:
                raise AgentAway("the agent has no keys at the moment (503)")
            if status != 200:
                raise AgentRefuses("the agent answers %d to a request for keys" % status)
            try:
                request.answer(buffer, begin, length)
            except ValueError as error:
                raise AgentRefuses(str(error)) from error
            question = request.question()

    def _ask(self, question):
        while True:
            connection, fresh = (self.idle.pop(), False) if self.idle else (self._connect(), True)
            try:
                status, buffer, begin, length, stays = connection.ask(question)
            except ValueError as error:
                connection.close()
                raise AgentRefuses(str(error)) from error
            except OSError as error:
                connection.close()
                # One that lay idle may have been closed by the agent meanwhile; a question may be asked twice.
                if fresh or isinstance(error, socket.timeout):
                    raise AgentAway("%s: %s" % (self.path, error)) from error
                continue
            except BaseException:  # an eventlet timeout of the request: this answer may still be on its way
                connection.close()
                raise
            if stays and len(self.idle) < IDLE_CONNECTIONS:
                self.idle.append(connection)
            else:
                connection.close()
            return status, buffer, begin, length

    def _connect(self):
        try:
            return Connection(self.path, self.timeout)
        except OSError as error:
            raise AgentAway("%s: %s" % (self.path, error)) from error
