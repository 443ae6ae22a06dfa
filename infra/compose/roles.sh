#!/bin/sh
# Run once by the PostgreSQL image, in the new database: the two roles, and their passwords.
set -eu
psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" --file /regulars/roles.sql
psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
  --set owner="$REGULARS_OWNER_PASSWORD" --set app="$REGULARS_APP_PASSWORD" <<'SQL'
ALTER ROLE regulars_owner PASSWORD :'owner';
ALTER ROLE regulars_app PASSWORD :'app';
SQL
