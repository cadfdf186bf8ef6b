#!/usr/bin/env bash
# The browser test of the viewer: viewer.sh PROGRAM WORK_FOLDER TEST_DATA. Fetches what it needs from npm; exits with 77 (skipped) and says why when
# this machine has no browser, no Node.js or no npm registry.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
export PROGRAM_UNDER_TEST=$1 BROWSER_MODULES=$2 SCREENSHOTS=$2/screenshots TEST_DATA=$3

skip() {
  echo "SKIPPED: $1"
  exit 77
}

CHROMIUM=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || skip "there is no Chromium (apt-get install chromium)"
export CHROMIUM
for program in node npm; do command -v $program >/dev/null || skip "there is no $program (apt-get install nodejs npm)"; done
[ "$(node -p 'process.versions.node.split(".")[0]')" -ge 18 ] || skip "the browser driver needs Node.js 18, this is $(node --version)"

code=0
node "$here/../../server/viewer/prepare.mjs" "$(dirname "$PROGRAM_UNDER_TEST")/viewer" || code=$?
[ $code != 3 ] || skip "the viewer could not be fetched from npm"
[ $code = 0 ] || exit $code
mkdir -p "$BROWSER_MODULES"
if ! cmp -s "$here/package-lock.json" "$BROWSER_MODULES/package-lock.json" || ! [ -e "$BROWSER_MODULES/node_modules/playwright-core" ]; then
  cp "$here/package.json" "$here/package-lock.json" "$BROWSER_MODULES"
  npm ci --prefix "$BROWSER_MODULES" --ignore-scripts --no-audit --no-fund --loglevel=error || skip "playwright-core could not be fetched from npm"
fi
exec node --test --test-reporter=spec "$here/viewer_test.mjs"
