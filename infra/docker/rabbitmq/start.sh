#!/bin/bash
# One node of the broker cluster: as a process of this machine, or in the image rabbitmq:4.0-management.
#
#   start.sh NODE              in a container: starts the broker, again if it ends early
#   start.sh NODE serve        becomes the broker
#   start.sh NODE control …    runs rabbitmqctl for this broker
#
# The folder of this script has the node's other files (brokerSpec in infra/cluster/src/servers has their texts):
# <node>.env  <node>.conf  plugins  cookie, and with TLS <node>.pem  ca.crt
#
# At the first start the seed starts alone and the others join it: if all start at once, a node may find no ready peer
# and form its own cluster (seen on 3.10). Later they must start together: a node that was not the last to stop waits for
# those that were.
set -euo pipefail

node=$1
files=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# Sets RabbitMQ's variables, seed, seed_host and seed_port, and on a shared machine erlang_port and erlang_address.
set -a
. "$files/$node.env"
set +a

prepare() {
  # RabbitMQ's tools also read it there. It must belong to the user and be readable by nobody else.
  install -m 400 "$files/cookie" "$HOME/.erlang.cookie"
  # Then rabbitmq-server becomes the broker instead of waiting for it.
  export RUNNING_UNDER_SYSTEMD=true
  if [ -n "${erlang_port:-}" ]; then
    export RABBITMQ_DIST_PORT=$erlang_port
    export RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="-kernel inet_dist_use_interface {$erlang_address}"
  fi
  [ "$node" = "$seed" ] || [ -e "$RABBITMQ_MNESIA_BASE/$RABBITMQ_NODENAME" ] || wait_for_seed
}

wait_for_seed() {
  echo "eco $node: waiting for $seed in order to join it" >&2
  until (exec 3<>"/dev/tcp/$seed_host/$seed_port") 2>/dev/null; do sleep 0.5; done
}

# Time after which a broker listens or has ended, s, with a wide margin.
START_S=60

# If nodes start together, one may end (4.0 with Mnesia: another node asks it too early, node_not_running). This script
# restarts it, because `docker compose up --wait` counts a container that ends as a failed start.
run() {
  local stopping='' try code server began
  trap 'stopping=1; kill -TERM "$server"' TERM INT
  for try in 1 2 3; do
    began=$SECONDS
    rabbitmq-server &
    server=$!
    # A signal ends the wait, not the server.
    while kill -0 "$server" 2>/dev/null; do
      code=0
      wait "$server" || code=$?
    done
    if [ -n "$stopping" ] || [ "$code" = 0 ] || ((SECONDS - began > START_S || try == 3)); then exit "$code"; fi
    echo "eco $node: ended while it started (code $code); starting it again" >&2
  done
}

# In a container a program may begin as root. On a shared machine the broker runs as the user that starts it.
if [ -z "${erlang_port:-}" ] && [ "$(id -u)" = 0 ]; then
  chown rabbitmq "$HOME"
  exec gosu rabbitmq "$BASH" "$0" "$@"
fi

case ${2:-} in
  serve)
    prepare
    exec rabbitmq-server
    ;;
  control) exec rabbitmqctl --quiet "${@:3}" ;;
  *)
    prepare
    run
    ;;
esac
