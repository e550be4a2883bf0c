#!/usr/bin/env bash
# Certificates for engines that listen on TCP: an authority, one server, one client.
#
#   certificates.sh FOLDER ADDRESS…
#
# Writes ca.pem, server-cert.pem, server-key.pem for the given IP addresses, and cert.pem, key.pem
# for a client, by the names that Docker clients look for. Does nothing if the folder has them for
# these addresses. The authority's key is thrown away.
set -euo pipefail

folder=$1
shift
names=$(printf 'IP:%s,' "$@")
names=${names%,}
[ "$(cat "$folder/names" 2>/dev/null)" = "$names" ] && exit 0

rm -rf "$folder"
mkdir -p "$folder"
chmod 700 "$folder"
cd "$folder"

key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1"; }
# Signs a request of the common name $1 for the key $2 with the extensions $3 into $4.
sign() {
    openssl req -new -key "$2" -subj "/CN=$1" |
        openssl x509 -req -days 3650 -CA ca.pem -CAkey ca-key.pem -CAcreateserial \
            -extfile <(printf 'basicConstraints=CA:FALSE\n%s\n' "$3") -out "$4" 2>/dev/null
}

key ca-key.pem
openssl req -x509 -new -key ca-key.pem -days 3650 -subj '/CN=test engines' -out ca.pem
key server-key.pem
sign 'test engine' server-key.pem "extendedKeyUsage=serverAuth"$'\n'"subjectAltName=$names" server-cert.pem
key key.pem
sign 'test client' key.pem "extendedKeyUsage=clientAuth" cert.pem
rm -f ca-key.pem ca.srl
echo "$names" >names
