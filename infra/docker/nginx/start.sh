#!/bin/sh
# The load balancer of Central, in the image nginx:1.30.
#
#   ECO_CENTRALS  host names of Central's instances, which listen on 8000
#   ECO_FILES     folder with nginx.conf, server.pem and ca.crt (default /run/eco)
#
# nginx removes an instance when requests to it fail. It does not notice an instance that answers but can't
# work, or one that returned with another address. So this script asks each instance every two seconds whether it is
# ready, and reloads nginx when an answer changes or the certificate was renewed. If no instance is ready, nginx keeps those that answer, because their
# answers state the reason.
set -eu
files=${ECO_FILES:-/run/eco}

urls=''
for central in $ECO_CENTRALS; do urls="$urls -o /dev/null https://$central:8000/health/ready"; done

servers() {
  # shellcheck disable=SC2086 # a list of words
  curl -s -m 2 --cacert "$files/ca.crt" -w '%{http_code} %{remote_ip}\n' $urls | {
    ready='' known=''
    while read -r status address; do
      [ -n "$address" ] || continue
      server="server $address:8000 max_fails=1 fail_timeout=2s;"
      known="$known$server"
      [ "$status" != 200 ] || ready="$ready$server"
    done
    echo "${ready:-${known:-server 127.0.0.1:1 down;}}"
  }
}

now=$(servers)
certificate=$(stat -c %Y "$files/server.pem")
echo "$now" >/tmp/upstream.conf
nginx -c "$files/nginx.conf" -g 'daemon off;' &
nginx=$!
trap 'kill -QUIT $nginx; wait $nginx; exit 0' TERM QUIT INT

while kill -0 $nginx 2>/dev/null; do
  sleep 2 &
  wait $!
  before=$now certificate_before=$certificate
  now=$(servers)
  certificate=$(stat -c %Y "$files/server.pem")
  [ "$now$certificate" = "$before$certificate_before" ] && continue
  echo "eco: forwarding to $now" >&2
  echo "$now" >/tmp/upstream.conf
  kill -HUP $nginx
done
wait $nginx
