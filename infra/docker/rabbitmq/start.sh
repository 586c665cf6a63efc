#!/bin/bash
# One node of the broker cluster, in the image rabbitmq:4.0-management.
#
#   ECO_NODE   its name, which is also its host name
#   ECO_SEED   name of the node that starts first
#   ECO_FILES  folder with its files (default /run/eco): <node>.conf  cookie, and with TLS <node>.pem  ca.crt
#
# At the first start the seed starts alone and the others join it: if all start at once, a node may find no ready peer
# and form its own cluster. Later they must start together: a node that was not the last to stop waits for
# those that were.
#
# If nodes start together, one may end (4.0 with Mnesia: another node asks it too early, node_not_running). This script
# restarts it, because `docker compose up --wait` counts a container that ends as a failed start.
set -euo pipefail

home=/var/lib/rabbitmq
if [ "$(id -u)" = 0 ]; then
  chown rabbitmq "$home"
  exec gosu rabbitmq "$BASH" "$0"
fi

files=${ECO_FILES:-/run/eco}
export RABBITMQ_NODENAME=rabbit@$ECO_NODE
export RABBITMQ_CONFIG_FILE=$files/$ECO_NODE.conf
# A dump would contain passwords.
export ERL_CRASH_DUMP_SECONDS=0

# The image's tools also read it there. It must belong to the user and be readable by nobody else.
install -m 400 "$files/cookie" "$home/.erlang.cookie"

if [ "$ECO_NODE" != "$ECO_SEED" ] && [ ! -e "$home/mnesia/$RABBITMQ_NODENAME" ]; then
  echo "eco $ECO_NODE: waiting for $ECO_SEED in order to join it" >&2
  # Every node has the same port.
  port=$(sed -nE 's/^listeners\.(tcp|ssl)\.default = ([0-9.]+:)?([0-9]+)$/\3/p' "$RABBITMQ_CONFIG_FILE")
  until (exec 3<>"/dev/tcp/$ECO_SEED/$port") 2>/dev/null; do sleep 1; done
fi

serve() {
  local stopping='' try code server began
  trap 'stopping=1; kill -TERM "$server"' TERM INT
  for try in 1 2 3; do
    began=$SECONDS
    docker-entrypoint.sh rabbitmq-server &
    server=$!
    # A signal ends the wait, not the server.
    while kill -0 "$server" 2>/dev/null; do
      code=0
      wait "$server" || code=$?
    done
    if [ -n "$stopping" ] || [ "$code" = 0 ] || ((SECONDS - began > START_S || try == 3)); then exit "$code"; fi
    echo "eco $ECO_NODE: ended while it started (code $code); starting it again" >&2
  done
}

# Time after which a broker listens or has ended, s, with a wide margin.
START_S=60

serve
