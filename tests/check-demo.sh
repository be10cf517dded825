#!/usr/bin/env bash
# Checks what `zwca demo --once --out DIR` left, with openssl, python3's standard library and nothing of this project: every certificate against its issuer, link by link; each key against its
# certificate; envelopes opened with the signing key; CRLs and OCSP responses by the signature over their TBS, and by what they say of each certificate. openssl 3.0 gives the SM2 identity to the
# leaf's signature only, so paths are walked one link at a time.
# Use: check-demo.sh DIR. Exit code 0: everything holds. The last line says how much was checked.
set -euo pipefail
dir=${1:?use: check-demo.sh DIR}
[ -s "$dir/index.json" ] || { echo "$dir has no index.json: run  zwca demo --once --out $dir  first" >&2; exit 2; }
exec python3 "$(dirname "${BASH_SOURCE[0]}")/check-demo.py" "$dir"
