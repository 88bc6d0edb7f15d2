#!/bin/sh
# What the official image valkey does before the server.
set -e
[ "${1#-}" = "$1" ] && [ "${1%.conf}" = "$1" ] || set -- valkey-server "$@"
if [ "$1" = valkey-server ] && [ "$(id -u)" = 0 ]; then
  find . \! -user valkey -exec chown valkey '{}' +
  exec setpriv --reuid valkey --regid valkey --clear-groups "$0" "$@"
fi
umask 0077
exec "$@"
