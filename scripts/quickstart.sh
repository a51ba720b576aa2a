#!/usr/bin/env bash
# From a fresh checkout to a running cluster: three primaries and their replicas on
# 127.0.0.1:7000-7005, their files in ./quickstart.
#
#   scripts/quickstart.sh              builds, starts and shows it; running it again does no harm
#   scripts/quickstart.sh --port 7300  the same on 127.0.0.1:7300-7305
#   scripts/quickstart.sh stop         ends the six servers and removes ./quickstart
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
folder=$root/quickstart
server=$root/build/release/bin/skein-server
host=127.0.0.1
nodes=6
# Where they were put the last time, if they have not been stopped since.
mapfile -t ports < <(cd "$folder" 2>/dev/null && ls -d [0-9]* 2>/dev/null | sort -n)

usage() {
  echo "usage: $0 [--port <the first of six>] [stop]" >&2
  exit 2
}

# Each node has a bus port too, 10000 above its own.
choose_ports() {
  local first=$1
  [[ $first =~ ^[1-9][0-9]{0,4}$ ]] && ((first + nodes - 1 + 10000 <= 65535)) || {
    echo "--port $first: six ports from there on, each plus 10000, must be at most 65535" >&2
    exit 2
  }
  if [ ${#ports[@]} -gt 0 ] && [ "${ports[0]}" != "$first" ]; then
    echo "$folder has a cluster on ports ${ports[0]} to ${ports[-1]}; scripts/quickstart.sh stop ends it." >&2
    exit 1
  fi
  mapfile -t ports < <(seq "$first" $((first + nodes - 1)))
}

# The pid of our server for this port, when it runs. A pid file may outlive its process and
# the number may be another's by now, so the process title has to name the port.
pid_of() {
  local pid
  pid=$(cat "$folder/$1/server.pid" 2>/dev/null) || return 1
  tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -q "skein-server $host:$1 " || return 1
  echo "$pid"
}

ask() { redis-cli -h "$host" -p "$1" "${@:2}" 2>/dev/null; }

# Tries a command for up to 30 seconds.
await() {
  local tries
  for ((tries = 0; tries < 150; ++tries)); do
    "$@" && return
    sleep 0.2
  done
  return 1
}

stop_all() {
  local port pid
  for port in "${ports[@]}"; do
    pid=$(pid_of "$port") || continue
    kill "$pid"
    await eval "! pid_of $port >/dev/null" || { echo "$host:$port (pid $pid) does not stop" >&2; exit 1; }
  done
  rm -rf "$folder"
  echo "Stopped; $folder is gone."
}

start_one() {
  local port=$1
  pid_of "$port" >/dev/null && return
  if [ -n "$(ask "$port" ping)" ]; then
    echo "$host:$port is taken by another server; stop that first." >&2
    exit 1
  fi
  mkdir -p "$folder/$port"
  "$server" --port "$port" --bind "$host" --cluster-enabled yes --cluster-node-timeout 5000 --daemonize yes \
    --dir "$folder/$port" --pidfile "$folder/$port/server.pid" --logfile "$folder/$port/server.log"
}

answers() { [ "$(ask "$1" ping)" = PONG ]; }
info_says() { ask "$1" cluster info | tr -d '\r' | grep -q "^$2\$"; }

# Every node knows all six, three of them as replicas.
all_ok() {
  local port
  for port in "${ports[@]}"; do
    info_says "$port" cluster_state:ok || return 1
    [ "$(ask "$port" cluster nodes | grep -cE ' (myself,)?slave ')" = $((${#ports[@]} / 2)) ] || return 1
  done
}

all_alone() {
  local port
  for port in "${ports[@]}"; do
    info_says "$port" cluster_known_nodes:1 || return 1
  done
}

show() {
  echo
  ask "${ports[0]}" cluster nodes | sed 's/myself,//' | sort -k2 | while read -r id address flags primary _ _ _ _ slots; do
    address=${address%@*}
    if [ "$flags" = master ]; then
      printf '  %-16s primary  %s  slots %s\n' "$address" "${id:0:8}" "$slots"
    else
      printf '  %-16s replica  %s  of %s\n' "$address" "${id:0:8}" "${primary:0:8}"
    fi
  done
  cat <<EOT

Six nodes are up. Talk to them with

  redis-cli -c -p ${ports[0]}

and end them with  scripts/quickstart.sh stop
EOT
}

first=
while [ $# -gt 0 ]; do
  case $1 in
    --port) first=${2:-}; [ -n "$first" ] || usage; shift 2 ;;
    --port=*) first=${1#*=}; shift ;;
    start) shift ;;
    stop) stop_all; exit ;;
    *) usage ;;
  esac
done
choose_ports "${first:-${ports[0]:-7000}}"

"$root/scripts/install-deps.sh" build
cd "$root"
# Without the tests, which need more than a build does; scripts/test.sh adds them.
[ -f build/release/build.ninja ] || cmake --preset release -DSKEIN_TESTS=OFF >/dev/null
cmake --build --preset release --target skein-server

for port in "${ports[@]}"; do start_one "$port"; done
for port in "${ports[@]}"; do
  await answers "$port" || { echo "$host:$port does not answer; see $folder/$port/server.log" >&2; exit 1; }
done
if all_alone; then
  redis-cli --cluster create "${ports[@]/#/$host:}" --cluster-replicas 1 --cluster-yes >"$folder/create.log" ||
    { cat "$folder/create.log" >&2; exit 1; }
fi
await all_ok || { echo "The nodes do not agree; scripts/quickstart.sh stop, then start again." >&2; exit 1; }
show
