"""Connects, sends, receives the echo, closes."""
import socket

client = socket.create_connection(("127.0.0.1", 5000))
client.sendall(b"hello")
received = b""
while len(received) < 5:
    received += client.recv(1024)
assert received == b"hello"
client.close()
