#!/bin/bash
# Notices by mail and webhook, against a mail server that speaks real SMTP: TLS, authentication, refusals,
# a server that is down; notify.py says what is expected.
. "$(dirname "$0")/lib.sh"

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj '/CN=test CA' \
    -addext 'basicConstraints=critical,CA:TRUE' -keyout ca.key -out ca.pem 2>openssl.log
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj '/CN=sink' -keyout sink.key -out sink.csr \
    2>>openssl.log
printf 'subjectAltName=IP:127.0.0.1,DNS:localhost\n' >sink.ext
openssl x509 -req -in sink.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile sink.ext -out sink.pem \
    2>>openssl.log
python3 "$HERE/notify.py"
