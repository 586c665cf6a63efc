#!/bin/bash
# One node of the etcd cluster, in the image of the Dockerfile next to this script.
#
#   start.sh NODE
#
# The folder of this script has the node's other files (etcdSpec in infra/cluster/src/servers has their texts):
# <node>.env  <node>.pem  ca.crt
#
# All nodes of a new cluster start at once. A node whose data were lost joins the cluster that the others form: the
# cluster knows the former node under its name, and refuses another one in its place until it is removed.
set -euo pipefail

node=$1
files=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# Sets data, certificate, authority, peer_url, client_url, peer_port, client_port, cluster and others.
. "$files/$node.env"

ask_others() {
  etcdctl --endpoints "$others" --cacert "$authority" --cert "$certificate" --key "$certificate" \
    --dial-timeout 2s --command-timeout 5s "$@"
}

# Prints whether this node's first start makes a cluster or joins one.
first_state() {
  local members former name
  if ! members=$(ask_others member list 2>/dev/null); then
    echo new
    return
  fi
  # A line is: id, state, name, peer URL, … A node that has never started has no name.
  IFS='|' read -r former name <<<"$(awk -F', ' -v url="$peer_url" '$4 == url { print $1 "|" $3 }' <<<"$members")"
  if [ -n "$former" ] && [ -n "$name" ]; then
    ask_others member remove "$former" >&2
    former=
  fi
  [ -n "$former" ] || ask_others member add "$node" --peer-urls "$peer_url" >&2
  echo existing
}

state=existing
[ -e "$data/member" ] || state=$(first_state)

# A machine that is busy delays heartbeats, and an election then takes the time that a database could need.
exec etcd --name "$node" --data-dir "$data" --log-level warn \
  --initial-cluster "$cluster" --initial-cluster-state "$state" --initial-cluster-token ecomarket \
  --initial-advertise-peer-urls "$peer_url" --advertise-client-urls "$client_url" \
  --listen-peer-urls "https://0.0.0.0:$peer_port" --listen-client-urls "https://0.0.0.0:$client_port" \
  --listen-metrics-urls http://127.0.0.1:2381 \
  --client-cert-auth --trusted-ca-file "$authority" --cert-file "$certificate" --key-file "$certificate" \
  --peer-client-cert-auth --peer-trusted-ca-file "$authority" \
  --peer-cert-file "$certificate" --peer-key-file "$certificate" --tls-min-version TLS1.2 \
  --heartbeat-interval 200 --election-timeout 2000 \
  --auto-compaction-mode periodic --auto-compaction-retention 1h
