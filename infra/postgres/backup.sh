#!/bin/sh
# Backups of everything. docs/guides/backup.md says when to use which.
#
#   backup.sh dump FILE       all schemas in one file, from one snapshot; readable by newer PostgreSQL
#   backup.sh restore FILE    into the empty database of DATABASE_URL, after infra/postgres/roles.sql
#   backup.sh base FOLDER     a copy of the whole server, checked; with the archived log it leads to any later moment
#
# DATABASE_URL names the owner role's database (dump, restore), or a role with REPLICATION (base). JOBS: how many at once.
set -eu

fail() { echo "$*" >&2; exit 2; }
count() { psql --dbname "$DATABASE_URL" --no-psqlrc --tuples-only --no-align --command "$1"; }
# Counts the lines that match and shows them as progress, of so many in all; hands what looks like trouble through.
progress() {
  awk -v total="$2" -v what="$1" -v shown="${PROGRESS:-1}" '
    $0 ~ what { done++; if (shown) printf "\r%d of %d tables", done, total > "/dev/stderr"; next }
    /error|warning|fatal/ { print > "/dev/stderr" }
    END { if (shown) printf "\r%d of %d tables\n", done, total > "/dev/stderr" }'
}
TABLES="SELECT count(*) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
JOBS=${JOBS:-2}

: "${DATABASE_URL:?names the database}"
[ $# -eq 2 ] || fail "usage: backup.sh dump FILE | restore FILE | base FOLDER"
umask 077

case $1 in
  dump)
    [ ! -e "$2" ] || fail "$2 exists already; backups are never written over."
    trap 'rm -f "$2.unfinished" "$2.failed"' EXIT
    total=$(count "$TABLES")
    { pg_dump --dbname "$DATABASE_URL" --format custom --verbose --file "$2.unfinished" 2>&1 || touch "$2.failed"; } |
      progress 'dumping contents of table' "$total"
    [ ! -e "$2.failed" ] || fail "The dump failed; see above."
    pg_restore --list "$2.unfinished" > /dev/null
    mv "$2.unfinished" "$2"
    ;;
  restore)
    [ "$(count "$TABLES")" = 0 ] || fail "The database is not empty."
    failed=$(mktemp -u)
    trap 'rm -f "$failed"' EXIT
    total=$(pg_restore --list "$2" | grep -c 'TABLE DATA')
    { pg_restore --dbname "$DATABASE_URL" --exit-on-error --jobs "$JOBS" --verbose "$2" 2>&1 || touch "$failed"; } |
      progress 'finished item .* TABLE DATA' "$total"
    [ ! -e "$failed" ] || fail "The restore failed; see above. Empty the database and begin again."
    [ "$(count "$TABLES")" = "$total" ] || fail "Tables are missing."
    ;;
  base)
    pg_basebackup --dbname "$DATABASE_URL" --pgdata "$2" --wal-method stream --checkpoint fast --progress
    pg_verifybackup "$2"
    ;;
  *) fail "usage: backup.sh dump FILE | restore FILE | base FOLDER" ;;
esac
