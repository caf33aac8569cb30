"""Answers "ok" over HTTP on $PORT. The bug: a session whose client has closed is never closed."""
import os
import selectors
import socket

RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n"
selector = selectors.DefaultSelector()
sessions = []


def handle(session):
    if not session.recv(4096):
        selector.unregister(session)
        return  # ... and remains in `sessions`, open
    session.sendall(RESPONSE)


listener = socket.create_server(("", int(os.environ["PORT"])), backlog=512)
selector.register(listener, selectors.EVENT_READ)
while True:
    for key, _ in selector.select():
        if key.fileobj is listener:
            session, _ = listener.accept()
            sessions.append(session)
            selector.register(session, selectors.EVENT_READ)
        else:
            handle(key.fileobj)
