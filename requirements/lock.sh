#!/bin/sh
# Rewrites the hash-pinned lock files from the .in files. Needs uv on the PATH; the locks name no index.
set -eu
cd "$(dirname "$0")"
for name in run test docs; do
  constraint=""
  [ "$name" = run ] || constraint="-c run.txt"
  uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
    --no-header --upgrade $constraint "$name.in" -o "$name.txt"
done
