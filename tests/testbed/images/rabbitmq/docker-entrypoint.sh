#!/bin/bash
# What the official image rabbitmq does before the server; it refuses the variables that version 3.9 gave up.
set -euo pipefail
if [[ "$1" == rabbitmq* ]] && [ "$(id -u)" = 0 ]; then
  [ "$1" != rabbitmq-server ] || find /var/lib/rabbitmq \! -user rabbitmq -exec chown rabbitmq '{}' +
  exec setpriv --reuid rabbitmq --regid rabbitmq --clear-groups "$0" "$@"
fi
for variable in RABBITMQ_DEFAULT_PASS_FILE RABBITMQ_DEFAULT_USER_FILE RABBITMQ_VM_MEMORY_HIGH_WATERMARK \
  $(compgen -e | grep -E '^RABBITMQ_(MANAGEMENT_)?SSL_' || true); do
  if [ -n "${!variable:-}" ]; then
    echo "error: $variable is set but deprecated; please use a configuration file instead" >&2
    exit 1
  fi
done
exec "$@"
