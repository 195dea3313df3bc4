# Shell helpers of set-up: needed before there is a Node of ours, so they are the only logic kept in shell.

# step WHAT LOG COMMAND...: runs the command quietly; a line at the start, one each 5 s, one at the end; the log's tail on failure.
step() {
  local what=$1 log=$2 start=$SECONDS status=0
  shift 2
  mkdir -p "$(dirname "$log")"
  echo "$what"
  "$@" >"$log" 2>&1 </dev/null &
  local pid=$!
  while kill -0 "$pid" 2>/dev/null; do
    for _ in 1 2 3 4 5 6 7 8 9 10; do sleep 0.5; kill -0 "$pid" 2>/dev/null || break; done
    kill -0 "$pid" 2>/dev/null && echo "  $what: $((SECONDS - start)) s"
  done
  wait "$pid" || status=$?
  if [ "$status" -ne 0 ]; then
    echo "$what failed (exit $status); the end of $log:" >&2
    tail -n 20 "$log" >&2
  fi
  return "$status"
}

# need_packages COMMAND:PACKAGE...: installs the Debian packages whose command (or file) is missing.
need_packages() {
  local missing=() pair
  for pair in "$@"; do
    command -v "${pair%%:*}" >/dev/null 2>&1 || [ -e "${pair%%:*}" ] || missing+=("${pair##*:}")
  done
  [ "${#missing[@]}" -eq 0 ] && return 0
  if [ "$(id -u)" -ne 0 ]; then
    echo "Missing: ${missing[*]}. Installing Debian packages needs root: run 'sudo apt-get install ${missing[*]}' once, then this target again." >&2
    return 1
  fi
  if ! command -v apt-get >/dev/null; then
    echo "Missing: ${missing[*]}, and there is no apt-get here: install what provides them, then run this target again." >&2
    return 1
  fi
  step "apt-get update" .state/log/apt.log apt-get update || return
  step "apt-get install ${missing[*]}" .state/log/apt.log \
    env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"
}
