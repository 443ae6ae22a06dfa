# PgBouncer as Debian 13 packages it (1.24), which keeps clients' prepared statements apart.
FROM debian:trixie-slim
RUN apt-get update \
 && apt-get install --yes --no-install-recommends pgbouncer \
 && rm -rf /var/lib/apt/lists/*
# The one user's password comes from the environment; it lies in memory only.
RUN printf '%s\n' '#!/bin/sh' 'set -eu' 'umask 077' \
    'printf "\"regulars_app\" \"%s\"\n" "$REGULARS_APP_PASSWORD" > /run/pgbouncer/userlist.txt' \
    'exec pgbouncer /etc/pgbouncer/pgbouncer.ini' > /usr/local/bin/start \
 && chmod 755 /usr/local/bin/start \
 && ln -sf /run/pgbouncer/userlist.txt /etc/pgbouncer/userlist.txt
COPY infra/pgbouncer/pgbouncer.ini /etc/pgbouncer/pgbouncer.ini
USER postgres
EXPOSE 6432
ENTRYPOINT ["/usr/local/bin/start"]
