#!/usr/bin/env bash
# A PostgreSQL of the tests' own, in a folder: tests/postgres.sh start FOLDER prints the connection string for ZWCA_TEST_POSTGRES; stop FOLDER ends it
# and deletes the folder. Nothing but its Unix socket in that folder is open.
set -euo pipefail

[ "$#" -eq 2 ] || { echo "usage: $0 start|stop FOLDER" >&2; exit 2; }
folder=$(realpath -m "$2")

# Debian keeps the server's programs off the PATH.
bin=$(dirname "$(command -v initdb || ls /usr/lib/postgresql/*/bin/initdb 2> /dev/null | tail -1)")
[ -x "$bin/initdb" ] || { echo "no initdb: install postgresql" >&2; exit 1; }

# The server refuses to run as root.
as_server() {
    if [ "$(id -u)" -eq 0 ]; then
        (cd / && runuser -u postgres -- "$@")
    else
        "$@"
    fi
}

case "$1" in
start)
    mkdir -p "$folder"
    [ "$(id -u)" -ne 0 ] || chown postgres "$folder"
    {
        as_server "$bin/initdb" -D "$folder/data" -U zwca -A trust -E UTF8 --locale C.UTF-8 --no-instructions
        as_server "$bin/pg_ctl" -D "$folder/data" -l "$folder/log" -w start \
            -o "-c listen_addresses= -c unix_socket_directories=$folder -c max_connections=300 -c shared_buffers=256MB"
    } >&2 < /dev/null
    echo "Host=$folder;Username=zwca;Database=postgres;Include Error Detail=true"
    ;;
stop)
    as_server "$bin/pg_ctl" -D "$folder/data" -m immediate -w stop >&2
    rm -rf "$folder"
    ;;
*)
    echo "usage: $0 start|stop FOLDER" >&2
    exit 2
    ;;
esac
