#!/bin/sh
# Rewrites the hash-pinned lock files from the .in files, all or those named (`lock.sh docs`). Needs uv on the PATH.
# The locks name no index. test and docs share the virtual environment with run, so that each is held to what the one
# before it has chosen. ministack has an environment of its own, since it holds an older botocore.
set -eu
cd "$(dirname "$0")"
for name in ${*:-run test docs ministack}; do
  case $name in
    run | ministack) held_to="" ;;
    test) held_to="-c run.txt" ;;
    docs) held_to="-c run.txt -c test.txt" ;;
  esac
  # shellcheck disable=SC2086
  uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
    --no-header --upgrade $held_to "$name.in" -o "$name.txt"
done
