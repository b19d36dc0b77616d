"""The course's select server, as its slides write it: no error is caught."""

import select
import socket
import sys

host = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1"
family = socket.AF_INET6 if ":" in host else socket.AF_INET

server_socket = socket.socket(family, socket.SOCK_STREAM)
server_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server_socket.bind((host, 5000))
server_socket.listen(5)

input_socket = [server_socket]

while True:
    read_ready, _, _ = select.select(input_socket, [], [])
    for sock in read_ready:
        if sock == server_socket:
            client_socket, client_address = server_socket.accept()
            input_socket.append(client_socket)
        else:
            data = sock.recv(1024)
            print(sock.getpeername(), data, flush=True)
            if data:
                sock.send(data)
            else:
                sock.close()
                input_socket.remove(sock)
