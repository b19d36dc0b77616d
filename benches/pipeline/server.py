"""A select server as in the slides: it echoes until told to stop."""
import select
import socket

listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", 5000))
listener.listen(5)
print("ready", flush=True)
sockets = [listener]
while True:
    readable, _, _ = select.select(sockets, [], [])
    for sock in readable:
        if sock is listener:
            sockets.append(listener.accept()[0])
            continue
        data = sock.recv(1024)
        if data:
            sock.sendall(data)
        else:
            sockets.remove(sock)
            sock.close()
