# Runs a PostgreSQL server for as long as somebody holds this script's standard input open: so it ends, and its directory is
# gone, however the test ends. Arguments: the server's program, the directory, then the server's own arguments.
program=$1 root=$2
shift 2
server=
start() {
    "$program" -D "$root/data" "$@" >>"$root/server.log" 2>&1 </dev/null &
    server=$!
}
stop() {
    [ -n "$server" ] || return
    kill -"$1" "$server"
    wait "$server"
    server=
}
start "$@"
while read -r command; do
    case $command in
    kill) stop KILL ;;
    start) start "$@" ;;
    esac
done
stop QUIT
rm -rf "$root"
