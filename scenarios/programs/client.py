"""The course's client: sends each line that is typed, prints what comes back, closes at the end of input."""

import socket
import sys

host = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1"
family = socket.AF_INET6 if ":" in host else socket.AF_INET

client_socket = socket.socket(family, socket.SOCK_STREAM)
client_socket.connect((host, 5000))

for line in sys.stdin:
    message = line.encode()
    client_socket.send(message)
    answer = b""
    while len(answer) < len(message):
        part = client_socket.recv(1024)
        if not part:
            sys.exit("the server has closed")
        answer += part
    print(answer.decode(), end="", flush=True)

client_socket.close()
