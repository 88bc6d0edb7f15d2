#!/bin/bash
# What the official image of Elasticsearch does before the server: secrets from files that nobody else can read, settings from
# variables, the first password into the keystore.
set -euo pipefail
umask 0002

[ "$1" = eswrapper ] || exec "$@"

for variable in ELASTIC_PASSWORD KEYSTORE_PASSWORD; do
  file="${variable}_FILE"
  [ -n "${!file:-}" ] || continue
  [ -z "${!variable:-}" ] || { echo "ERROR: Both ${variable} and ${file} are set. These are mutually exclusive." >&2; exit 1; }
  [ -e "${!file}" ] || { echo "ERROR: File ${!file} from ${file} does not exist" >&2; exit 1; }
  permissions="$(stat -L -c '%a' "${!file}")"
  case "$permissions" in
    400 | 600) ;;
    *) echo "ERROR: File ${!file} from ${file} must have file permissions 400 or 600, but actually has: $permissions" >&2; exit 1 ;;
  esac
  export "$variable=$(cat "${!file}")"
  unset "$file"
done

arguments=()
while IFS='=' read -r name value; do
  if [ -n "$value" ]; then
    if [[ "$name" =~ ^[-a-z0-9_]+(\.[-a-z0-9_]+)+$ ]]; then
      arguments+=("-E$name=$value")
    elif [[ "$name" =~ ^ES_SETTING(_{1,2}[A-Z]+)+$ ]]; then
      setting="$(sed -e 's/^ES_SETTING_//' -e 's/__/ /g' -e 's/_/./g' -e 's/ /_/g' <<<"$name")"
      arguments+=("-E${setting,,}=$value")
    fi
  fi
done < <(env)

keystore="${ES_PATH_CONF:-/usr/share/elasticsearch/config}/elasticsearch.keystore"
if [ -n "${ELASTIC_PASSWORD:-}" ]; then
  [ -f "$keystore" ] || elasticsearch-keystore create --silent
  elasticsearch-keystore list | grep -q '^bootstrap.password$' ||
    printf '%s\n' "$ELASTIC_PASSWORD" | elasticsearch-keystore add --stdin bootstrap.password
fi
exec elasticsearch "${arguments[@]}" <<<"${KEYSTORE_PASSWORD:-}"
