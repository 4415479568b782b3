#!/bin/sh
# Makes a certificate authority for this composition and a certificate per server, once.
# Usage: make-certs.sh FOLDER NAME...
set -eu
folder=$1
shift
mkdir -p "$folder"
cd "$folder"
if [ ! -f ca.pem ]; then
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 \
    -subj "/CN=Weft composition CA" -addext "basicConstraints=critical,CA:TRUE" \
    -keyout ca.key -out ca.pem
fi
for name in "$@"; do
  [ -f "$name.pem" ] && continue
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$name" \
    -keyout "$name.key" -out "$name.csr"
  printf 'subjectAltName=DNS:%s\nextendedKeyUsage=serverAuth\n' "$name" > "$name.ext"
  openssl x509 -req -in "$name.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 825 \
    -extfile "$name.ext" -out "$name.pem"
  rm "$name.csr" "$name.ext"
done
