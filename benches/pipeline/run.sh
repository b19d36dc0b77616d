#!/bin/sh
# The check of one exchange as people build it today, written as well as we can: an own network
# namespace, tcpdump waited for until it captures, the server waited for until it listens, the capture
# waited for until it holds both FINs; then tshark's fields against what is expected. No sleep.
#
#   unshare --net -- ./run.sh FOLDER      (as root; FOLDER is for its files)
set -eu
here=$(dirname "$0")
folder=$1
capture=$folder/close.pcap
rm -rf "$folder"
mkdir -p "$folder"
ip link set lo up

mkfifo "$folder/tcpdump.said" "$folder/server.said"
# -U and immediate mode: what is captured is in the file at once. -B: 64 MiB, so that nothing drops.
tcpdump -i lo -n -U --immediate-mode -B 65536 -s 262144 -w "$capture" tcp port 5000 2>"$folder/tcpdump.said" &
tcpdump=$!
# Read on to the end, so that the pipe neither fills nor breaks.
exec 3<"$folder/tcpdump.said"
read -r _ <&3

python3 "$here/server.py" >"$folder/server.said" &
server=$!
exec 4<"$folder/server.said"
read -r _ <&4

python3 "$here/client.py"

fins() { tcpdump -n -r "$capture" 'tcp[tcpflags] & tcp-fin != 0' 2>/dev/null | wc -l; }
until [ "$(fins)" -ge 2 ]; do :; done
kill -INT "$tcpdump"
wait "$tcpdump"
kill "$server"

# SYN, data, FIN and RST by direction; pure ACKs come and go.
tshark -r "$capture" -Y 'tcp.flags.syn == 1 || tcp.len > 0 || tcp.flags.fin == 1 || tcp.flags.reset == 1' \
    -T fields -e tcp.srcport -e tcp.flags.syn -e tcp.flags.fin -e tcp.flags.reset -e tcp.len -e tcp.payload 2>/dev/null |
    awk -F '\t' '{ print ($1 == 5000 ? "server" : "client"), $2, $3, $4, $5, $6 }' >"$folder/actual"
diff "$here/expected" "$folder/actual"
