#!/usr/bin/env bash
# Installs what every target needs: the npm packages of the lock file (no install script runs), the one native addon, SoftHSM.
# Idempotent: a stamp holds the hash of its inputs. Prints nothing when there is nothing to do.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

case "$(uname -s)-$(uname -m)" in
  Linux-x86_64) arch=x64 ;;
  Linux-aarch64) arch=arm64 ;;
  *) echo "This project's tools run on Linux (x86_64, aarch64); this is $(uname -sm). A Linux virtual machine or container works." >&2; exit 1 ;;
esac
command -v npm >/dev/null || { echo "npm is missing: install Node.js of any version (Debian: apt-get install npm)." >&2; exit 1; }

need_packages softhsm2-util:softhsm2 python3:python3 make:make g++:g++ openssl:openssl git:git

stamp=node_modules/.stellar-setup
inputs=$(cat package.json package-lock.json scripts/setup.sh | sha256sum | cut -c1-16)
if [ "$(cat $stamp 2>/dev/null)" != "$inputs" ]; then
  step "npm ci (the packages of the lock file)" .state/log/npm.log npm ci --ignore-scripts --no-audit --no-fund
  # Two packages give a program of this name, one for each platform; older versions of npm then link neither.
  ln -sfn "../node-linux-$arch/bin/node" node_modules/.bin/node
  # The addon is built by the locked node-gyp, with the Node that runs it, against that Node's headers: the machine's own
  # npm and Node, of whatever age, have no part in it.
  step "building pkcs11js (the PKCS#11 addon)" .state/log/pkcs11js.log \
    node_modules/.bin/node node_modules/node-gyp/bin/node-gyp.js rebuild \
    --directory node_modules/pkcs11js --nodedir "$PWD/node_modules/node-linux-$arch"
  [ -e node_modules/pkcs11js/build/Release/pkcs11.node ] || { echo "pkcs11js was not built; see .state/log/pkcs11js.log" >&2; exit 1; }
  echo "$inputs" > $stamp
fi
