#!/bin/bash
# What the official image mysql does before the server: make a database in an empty volume, as the variables say.
set -euo pipefail

stop() { echo "[ERROR] [Entrypoint]: $*" >&2; exit 1; }

# The value of a variable, or what is in the file that the variable NAME_FILE names.
setting() {
  local name="$1" file="$1_FILE"
  [ -z "${!name:-}" ] || [ -z "${!file:-}" ] || stop "both $name and $file are set (but are exclusive)"
  if [ -n "${!file:-}" ]; then cat "${!file}"; else printf '%s' "${!name:-${2:-}}"; fi
}

quoted() { printf "'%s'" "$(printf '%s' "$1" | sed -e 's/\\/\\\\/g' -e "s/'/''/g")"; }

# Makes the database that the server with these arguments will use.
make_database() {
  local root user password database host
  root="$(setting MYSQL_ROOT_PASSWORD)"
  user="$(setting MYSQL_USER)"
  password="$(setting MYSQL_PASSWORD)"
  database="$(setting MYSQL_DATABASE)"
  host="$(setting MYSQL_ROOT_HOST %)"
  [ -n "$root$(setting MYSQL_ALLOW_EMPTY_PASSWORD)$(setting MYSQL_RANDOM_ROOT_PASSWORD)" ] ||
    stop "Database is uninitialized and password option is not specified. You need to specify one of MYSQL_ROOT_PASSWORD, MYSQL_ALLOW_EMPTY_PASSWORD, MYSQL_RANDOM_ROOT_PASSWORD"
  [ "$user" != root ] || stop 'MYSQL_USER="root": MYSQL_USER and MYSQL_PASSWORD are for configuring a regular user'
  mariadb-install-db --datadir="$data" --auth-root-authentication-method=normal --skip-test-db >/dev/null
  "$@" --skip-networking &
  local server=$!
  until mariadb-admin ping >/dev/null 2>&1; do
    kill -0 "$server" || stop "Unable to start server."
    sleep 0.1
  done
  {
    echo "ALTER USER root@localhost IDENTIFIED BY $(quoted "$root");"
    [ "$host" = localhost ] ||
      echo "CREATE USER root@$(quoted "$host") IDENTIFIED BY $(quoted "$root"); GRANT ALL ON *.* TO root@$(quoted "$host") WITH GRANT OPTION;"
    [ -z "$database" ] || echo "CREATE DATABASE IF NOT EXISTS \`$database\`;"
    if [ -n "$user" ] && [ -n "$password" ]; then
      echo "CREATE USER $(quoted "$user")@'%' IDENTIFIED BY $(quoted "$password");"
      [ -z "$database" ] || echo "GRANT ALL ON \`${database//_/\\_}\`.* TO $(quoted "$user")@'%';"
    fi
  } | mariadb --user=root
  kill "$server"
  wait "$server" || stop "Unable to shut down server."
}

[ "${1:0:1}" != - ] || set -- mysqld "$@"
if [ "$1" = mysqld ]; then
  data="$("$@" --verbose --help 2>/dev/null | awk '$1 == "datadir" { print $2 }')"
  mkdir -p "$data"
  if [ "$(id -u)" = 0 ]; then
    chown -R mysql:mysql "$data" /var/run/mysqld
    exec setpriv --reuid mysql --regid mysql --init-groups "$0" "$@"
  fi
  [ -d "$data/mysql" ] || make_database "$@"
fi
exec "$@"
