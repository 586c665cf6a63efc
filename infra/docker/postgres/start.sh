#!/bin/bash
# One node of a database group: as a process of this machine, in the image postgres:17.12, or with Patroni in the image of
# the Dockerfile next to this script.
#
#   start.sh NODE             in a container: both of the following, and what a container needs around them
#   start.sh NODE prepare     makes missing data, and writes the settings
#   start.sh NODE serve       becomes the server
#   start.sh NODE after-init  called by Patroni, once for a group: sets the passwords that the other nodes need
#
# The folder of this script has the node's other files (databaseSpec in infra/cluster/src/servers has their texts):
# <node>.env  <node>.conf  pg_hba.conf  replicator.pgpass  superuser-password, with TLS <node>.pem  ca.crt, with Patroni
# <node>.patroni.yml
#
# The primary creates its data with initdb, a replica copies the primary's. The data appears under its name only once it
# is complete, so an interrupted start begins again. Settings are written again at each start.
#
# A supervisor states the present primary. Without one `primary` is the node that the group began with; the data then
# determine whether a node is a replica, and the present primary is discovered. With Patroni none of this applies: Patroni
# makes the data, copies, rewinds, keeps slots and decides who is the primary.
set -euo pipefail

node=$1
files=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# Sets data, slot, nodes, primary, primary_host, primary_port, is_supervised, patroni (its file, or nothing) and
# patroni_password_file.
. "$files/$node.env"
unfinished=$data.unfinished
export PGCONNECT_TIMEOUT=10

say() { echo "eco $node: $*" >&2; }

is_replica() { [ -e "$data/standby.signal" ]; }

prepare() {
  rm -rf "$unfinished"
  if [ "$is_supervised" = yes ] && [ -e "$data" ] && [ "$node" != "$primary" ]; then
    is_replica && [ "${ECO_REWIND:-}" != yes ] || rewind
  fi
  if [ ! -e "$data" ]; then
    make
  elif is_replica; then
    keep_slot
  fi
  write_settings
}

make() {
  if [ "$node" = "$primary" ]; then
    initdb --pgdata "$unfinished" --username postgres --pwfile "$files/superuser-password" \
      --auth scram-sha-256 --encoding UTF8 --locale C.UTF-8 --data-checksums --no-instructions
    printf "\ninclude = 'eco.conf'\n" >>"$unfinished/postgresql.conf"
  else
    copy
    touch "$unfinished/standby.signal"
  fi
  mv "$unfinished" "$data"
}

# Without a supervisor the primary may be starting, or may not have the copying role yet, so the copy is repeated.
copy() {
  if [ "$is_supervised" = yes ]; then
    copy_once
    return
  fi
  local fault said=''
  until fault=$(copy_once 2>&1); do
    [ "$fault" = "$said" ] || say "waits for $primary: $fault"
    said=$fault
    rm -rf "$unfinished"
    sleep 1
  done
}

# Makes the slot first, because it keeps the log that is written during the copy. With pg_basebackup's own --create-slot
# a second try would fail on the slot of the first.
copy_once() {
  make_slot &&
    as_replicator pg_basebackup "${login[@]}" --pgdata "$unfinished" --wal-method stream --checkpoint fast
}

# A slot on the primary keeps the log that this replica lacks; a promoted node has none at first.
keep_slot() {
  if [ "$is_supervised" = yes ]; then make_slot; else make_slot 2>/dev/null || true; fi
}

make_slot() { as_replicator pg_receivewal "${login[@]}" --create-slot --if-not-exists; }

login=(--host "$primary_host" --port "$primary_port" --username eco_replicator --no-password --slot "$slot")

as_replicator() { PGPASSFILE=$files/replicator.pgpass with_tls "$@"; }

with_tls() {
  [ ! -e "$files/ca.crt" ] || local -x PGSSLMODE=verify-full PGSSLROOTCERT=$files/ca.crt
  "$@"
}

# Gives stopped data the history of the primary, whose present timeline needs a checkpoint first. If that fails, the data
# are removed, and then copied. The folder has another name meanwhile, so an interrupted rewind is never started.
#
# pg_rewind compares only the numbers of timelines. Data with the primary's number may differ all the same: recovery from a
# crash has written to them, or they belong to a promotion that was cut short. Only a replica that was stopped in order does
# not.
rewind() {
  local fault state pass=$files/$node.rewind.pgpass
  mv "$data" "$unfinished"
  state=$(LC_ALL=C pg_controldata "$unfinished" | sed -n 's/^Database cluster state: *//p')
  # A standby can't recover from a crash without its primary, and pg_rewind needs a clean end.
  rm -f "$unfinished/standby.signal"
  (umask 077 && printf '*:*:*:postgres:%s\n' "$(<"$files/superuser-password")" >"$pass")
  if fault=$(LC_ALL=C PGPASSFILE=$pass with_tls pg_rewind --target-pgdata "$unfinished" \
    --source-server "host=$primary_host port=$primary_port user=postgres dbname=postgres" 2>&1) &&
    [[ $state = 'shut down in recovery' || $fault != *'no rewind required'* ]]; then
    touch "$unfinished/standby.signal"
    mv "$unfinished" "$data"
  else
    say "is copied, because it can't be rewound:" $fault
    rm -rf "$unfinished"
  fi
  rm -f "$pass"
}

write_settings() {
  install -m 600 "$files/$node.conf" "$data/eco.conf"
  install -m 600 "$files/pg_hba.conf" "$data/pg_hba.conf"
  [ "$is_supervised" != yes ] || reset_source
}

# Removes what a failover has set on a node, or on the node that it is a copy of. The settings file has its source. A
# primary keeps the names of the replicas that count, because its row about them must stay true.
reset_source() {
  local set='primary_conninfo|synchronous_standby_names' auto=$data/postgresql.auto.conf
  [ "$node" != "$primary" ] || set=primary_conninfo
  (umask 077 && sed -E "/^($set) /d" "$auto" >"$auto.new")
  mv "$auto.new" "$auto"
}

# With Patroni -----------------------------------------------------------------------------------------------------------

# libpq, in Patroni and in the server, reads the replicator's password at each log-in from the file that a rotation
# replaces.
patroni_serve() {
  unset PGDATA
  export PGPASSFILE=$patroni_password_file
  ln -sf "$files/replicator.pgpass" "$PGPASSFILE"
  exec patroni "$patroni"
}

# The replicas copy the first primary at once, and the job `declare` logs in as superuser. The passwords are neither in an
# argument nor in a log. Patroni has made the commits of this session local, because there is no replica yet.
after_init() {
  psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 "$1" <<'END'
SET log_statement = 'none';
SET log_min_duration_statement = -1;
SET log_min_duration_sample = -1;
\getenv superuser superuser
\getenv replicator replicator
ALTER ROLE postgres PASSWORD :'superuser';
CREATE ROLE eco_replicator LOGIN REPLICATION PASSWORD :'replicator';
-- pg_rewind logs in to this database, and `declare` withdraws it from everybody.
GRANT CONNECT ON DATABASE postgres TO eco_replicator;
END
}

# The file has one line, *:*:*:eco_replicator:PASSWORD.
replicator_password() {
  local line
  line=$(<"$files/replicator.pgpass")
  echo "${line#*:*:*:*:}"
}

# In a container ---------------------------------------------------------------------------------------------------------

# Runs the server until it ends. After a stop request the code is 130: after a restart of the whole machine the restart
# policy `on-failure` starts the container again.
run() {
  # The file was left by a killed run. Its pid may belong to any process here, and no other container uses this volume.
  rm -f "$data/postmaster.pid"
  local stopping='' code=0 server watch='' renewal
  trap 'stopping=1; kill -"$stop" "$server"' INT TERM
  if [ -n "$patroni" ]; then
    local stop=TERM
    patroni_serve &
    server=$!
  else
    local stop=INT
    postgres -D "$data" &
    server=$!
    until is_foreign; do sleep 30; done &
    watch=$!
  fi
  follow_certificate "$server" &
  renewal=$!
  # A signal ends the wait, not the server.
  while kill -0 "$server" 2>/dev/null; do
    code=0
    wait "$server" || code=$?
  done
  kill $watch "$renewal" 2>/dev/null || true
  [ -z "$stopping" ] || exit 130
  exit "$code"
}

# A replica of another database than its primary's can never follow it. Copying it again without asking could destroy
# the last copy of the old data. So the script prints the decision that an operator must make, and the replica keeps
# answering reads, because it may be the last node that can.
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

identity_here() { pg_controldata "$data" | sed -n 's/^Database system identifier: *//p'; }

# Name and system identifier of the group's primary. If several nodes say that they are primary, the one with the
# highest timeline counts. Empty: no node can be queried now.
primary_now() {
  local each answer identity timeline newest=0 found=''
  for each in $nodes; do
    answer=$(as_replicator psql "host=$each user=eco_replicator replication=true" --no-psqlrc --no-password -At \
      -c 'SHOW in_hot_standby' -c IDENTIFY_SYSTEM 2>/dev/null) || continue
    [ "${answer%%$'\n'*}" = off ] || continue
    IFS='|' read -r identity timeline _ <<<"${answer#*$'\n'}"
    if ((timeline > newest)); then newest=$timeline found="$each $identity"; fi
  done
  echo "$found"
}

# The server and Patroni read a renewed certificate at SIGHUP.
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

case ${2:-} in
  prepare) prepare ;;
  serve) exec postgres -D "$data" ;;
  after-init)
    superuser=$(<"$files/superuser-password") replicator=$(replicator_password) after_init "$3"
    ;;
  *)
    if [ "$(id -u)" = 0 ]; then
      chown postgres "$PGDATA"
      exec gosu postgres "$BASH" "$0" "$@"
    fi
    [ -n "$patroni" ] || prepare
    run
    ;;
esac
