# shellcheck shell=bash disable=SC2034,SC2119,SC2120,SC2154
# Sourced by the sandbox: certificates, the settings of chasquid, and where everything is.

# ------------------------------------------------------------------------------------------------------- tls

# A certificate for NAME, signed by the authority of this sandbox.
issue() {
  local name=$1 purpose=$2
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$name.key" -subj "/CN=$name" \
    -out "$name.csr"
  openssl x509 -req -in "$name.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -out "$name.pem" -extfile <(
    echo "subjectAltName=IP:127.0.0.1,DNS:localhost"
    echo "extendedKeyUsage=$purpose"
    echo "basicConstraints=CA:FALSE"
  )
  rm "$name.csr"
}

make_certificates() {
  mkdir "$dir/tls"
  (
    cd "$dir/tls" || exit
    openssl req -x509 -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -days 30 \
      -subj "/CN=chasqui sandbox authority" -addext "keyUsage=critical,keyCertSign,cRLSign" -out ca.pem
    issue server serverAuth
    issue client clientAuth
    # Nobody needs to sign anything else.
    rm -f ca.key ca.srl
    chmod 0600 ./*.key
    chmod 0644 ./*.pem
  ) >"$dir/log/tls.log" 2>&1
}

# -------------------------------------------------------------------------------------------------- settings

write_settings() {
  {
    cat <<EOF
site = "sandbox"
lanes = ["main"]
# A table that a test adds on the primary can be written to at once, and what is wrong gets there.
preflight = "warn"
EOF
    if [[ $store == redis ]]; then
      cat <<EOF
[redis]
socket = "$dir/redis.sock"
EOF
    fi
    cat <<EOF
[journal]
path = "$dir/journal/journal.sqlite"
[primary]
dsn = "$(forwarder_dsn "$link_port")"
[replica]
dsn = "$(forwarder_dsn "$replica_port")"
[remote]
listen = "127.0.0.1"
port = $remote_port
certificate = "$dir/tls/server.pem"
key = "$dir/tls/server.key"
ca = "$dir/tls/ca.pem"
client_certificate = "$dir/tls/client.pem"
client_key = "$dir/tls/client.key"
EOF
  } >"$dir/chasqui.toml"
  chmod 0600 "$dir/chasqui.toml"
}

pid_or_null() {
  if find_main "$1"; then echo "$main"; else echo null; fi
}

verb_env() {
  load_state
  local redis=null
  [[ $store != redis ]] || redis="{\"socket\": \"$dir/redis.sock\"}"
  cat <<EOF
{"dir": "$dir",
 "settings": "$dir/chasqui.toml",
 "store": "$store", "fsync": "$fsync", "rtt_ms": $rtt,
 "redis": $redis,
 "primary": {"dsn": "$(forwarder_dsn "$link_port")",
             "direct_dsn": "$(direct_dsn primary)"},
 "replica": {"dsn": "$(direct_dsn replica)"},
 "link": {"control": "$dir/link.sock", "program": "$link_exe"},
 "tls": {"ca": "$dir/tls/ca.pem", "server": "$dir/tls/server.pem", "client": "$dir/tls/client.pem"},
 "ports": {"link": $link_port, "primary": $primary_port, "replica": $replica_port, "remote": $remote_port},
 "pids": {"redis": $(pid_or_null redis), "link": $(pid_or_null link),
          "primary": $(pid_or_null primary), "replica": $(pid_or_null replica)},
 "data": {"primary": "$pg_dir/primary", "replica": "$pg_dir/replica"},
 "logs": "$dir/log"}
EOF
}
