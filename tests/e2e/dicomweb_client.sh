#!/usr/bin/env bash
# The library dicomweb-client (OHIF, Cornerstone3D and Slim are built on it) against the program:
# dicomweb_client.sh PROGRAM WORK_FOLDER TEST_DATA. Fetches it from npm; exits with 77 (skipped) and says why when there is no Node.js or no registry.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
export PROGRAM_UNDER_TEST=$1 CLIENT_MODULES=$2 TEST_DATA=${3:-}

skip() {
  echo "SKIPPED: $1"
  exit 77
}

for program in node npm; do command -v $program >/dev/null || skip "there is no $program (apt-get install nodejs npm)"; done
[ "$(node -p 'process.versions.node.split(".")[0]')" -ge 18 ] || skip "the test needs Node.js 18, this is $(node --version)"
mkdir -p "$CLIENT_MODULES"
if ! cmp -s "$here/dicomweb_client/package-lock.json" "$CLIENT_MODULES/package-lock.json" || ! [ -e "$CLIENT_MODULES/node_modules/dicomweb-client" ]; then
  cp "$here/dicomweb_client/package.json" "$here/dicomweb_client/package-lock.json" "$CLIENT_MODULES"
  npm ci --prefix "$CLIENT_MODULES" --ignore-scripts --no-audit --no-fund --loglevel=error || skip "dicomweb-client could not be fetched from npm"
fi
exec node --test --test-reporter=spec "$here/dicomweb_client_test.mjs"
