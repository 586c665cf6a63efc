#!/bin/bash
# One node of a database group, in the image postgres:17.12.
#
#   ECO_NODE     its name, such as g1-2
#   ECO_PRIMARY  name of the node that the group began with, which is also its host name
#   ECO_FILES    folder with its files (default /run/eco):
#                  <node>.conf  pg_hba.conf  replicator.pgpass, superuser-password for the primary,
#                  and with TLS <node>.pem  ca.crt
#
# The primary creates its data with initdb, a replica copies the primary's. The data appears under its name only once it
# is complete, so an interrupted start begins again. Settings are written again at each start.
#
# A replica of another database than its primary's can never follow it. Copying it again without asking could destroy
# the last copy of the old data. So the script prints the decision that an operator must make, and the replica keeps
# answering reads, because it may be the last node that can. The primary is discovered, not configured. After a stop request it ends with 130: after a restart
# of the whole machine the restart policy `on-failure` starts it again.
set -euo pipefail

volume=$PGDATA
if [ "$(id -u)" = 0 ]; then
  chown postgres "$volume"
  exec gosu postgres "$BASH" "$0"
fi

node=$ECO_NODE
primary=$ECO_PRIMARY
files=${ECO_FILES:-/run/eco}
data=$volume/node
slot=$(tr 'A-Z' 'a-z' <<<"$node" | tr -c 'a-z0-9\n' _)
export PGPASSFILE=$files/replicator.pgpass PGCONNECT_TIMEOUT=3
[ ! -e "$files/ca.crt" ] || export PGSSLMODE=verify-full PGSSLROOTCERT=$files/ca.crt

say() { echo "eco $node: $*" >&2; }

main() {
  [ -e "$data" ] || make
  write_settings
  keep_slot
  serve
}

make() {
  rm -rf "$data.unfinished"
  if [ "$node" = "$primary" ]; then
    initdb --pgdata "$data.unfinished" --username postgres --pwfile "$files/superuser-password" \
      --auth scram-sha-256 --encoding UTF8 --locale C.UTF-8 --data-checksums --no-instructions
    printf "\ninclude = 'eco.conf'\n" >>"$data.unfinished/postgresql.conf"
  else
    copy
    touch "$data.unfinished/standby.signal"
  fi
  mv "$data.unfinished" "$data"
}

# Copies the primary, and repeats that until it succeeds, because the primary may be starting or may not have the
# copying role yet.
copy() {
  local fault said=''
  until fault=$(copy_once 2>&1); do
    [ "$fault" = "$said" ] || say "waits for $primary: $fault"
    said=$fault
    rm -rf "$data.unfinished"
    sleep 1
  done
}

# Makes the slot first, because it keeps the log that is written during the copy. With pg_basebackup's own --create-slot
# a second try would fail on the slot of the first.
copy_once() {
  pg_receivewal "${login[@]}" --create-slot --if-not-exists &&
    pg_basebackup "${login[@]}" --pgdata "$data.unfinished" --wal-method stream --checkpoint fast
}
login=(--host "$primary" --username eco_replicator --no-password --slot "$slot")

write_settings() {
  install -m 600 "$files/$node.conf" "$data/eco.conf"
  install -m 600 "$files/pg_hba.conf" "$data/pg_hba.conf"
}

is_replica() { [ -e "$data/standby.signal" ]; }

identity_here() { pg_controldata "$data" | sed -n 's/^Database system identifier: *//p'; }

# Name and system identifier of the group's primary. If several nodes say that they are primary, the one with the
# highest timeline counts. Empty: no node can be queried now.
primary_now() {
  local each answer identity timeline newest=0 found=''
  for each in $nodes; do
    answer=$(psql "host=$each user=eco_replicator replication=true" --no-psqlrc --no-password -At \
      -c 'SHOW in_hot_standby' -c IDENTIFY_SYSTEM 2>/dev/null) || continue
    [ "${answer%%$'\n'*}" = off ] || continue
    IFS='|' read -r identity timeline _ <<<"${answer#*$'\n'}"
    if ((timeline > newest)); then newest=$timeline found="$each $identity"; fi
  done
  echo "$found"
}
# Names of the group's nodes, as the server's own settings list them.
nodes=$(sed -n 's/^synchronous_standby_names.*(\(.*\)).*/\1/p' "$files/$node.conf" | tr -d '",')

is_foreign() {
  local name there
  is_replica || return 1
  read -r name there <<<"$(primary_now)"
  [ -n "$there" ] && [ "$there" != "$(identity_here)" ] || return 1
  say "$name was recreated: this node holds a copy of another database, which it can't follow (system identifier" \
    "$(identity_here), not $there). It answers reads from what it has." \
    "Was the data of $name lost by mistake? Then this copy has it: keep it." \
    "Else remove this node's container and volume and start it again; it then copies $name." \
    "With Compose: docker compose rm -sf $node && docker volume rm <project>_$node && docker compose up --wait"
}

# A slot on the primary keeps the log that this replica lacks; a promoted node has none at first.
keep_slot() {
  ! is_replica || pg_receivewal "${login[@]}" --create-slot --if-not-exists 2>/dev/null || true
}

# The server reads a renewed certificate at SIGHUP.
follow_certificate() {
  local known now
  known=$(stat -c %Y "$files/$node.pem" 2>/dev/null) || return 0
  while sleep 30; do
    now=$(stat -c %Y "$files/$node.pem" 2>/dev/null) || continue
    [ "$now" = "$known" ] && continue
    known=$now
    kill -HUP "$1" || return 0
  done
}

serve() {
  # The file was left by a killed run. Its pid may belong to any process here, and no other container uses this volume.
  rm -f "$data/postmaster.pid"
  local stopping='' code=0 server watch renewal
  trap 'stopping=1; kill -INT "$server"' INT TERM
  postgres -D "$data" &
  server=$!
  until is_foreign; do sleep 30; done &
  watch=$!
  follow_certificate "$server" &
  renewal=$!
  # A signal ends the wait, not the server.
  while kill -0 "$server" 2>/dev/null; do
    code=0
    wait "$server" || code=$?
  done
  kill "$watch" "$renewal" 2>/dev/null || true
  [ -z "$stopping" ] || exit 130
  exit "$code"
}

main
