# What the scripts share. Sourced, not run.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# One target folder for all steps. In CI it lies outside the clone where that is possible, so that
# the next run finds it, and holds no debug information.
if [ -n "${CI:-}" ]; then
  export CARGO_PROFILE_DEV_DEBUG="${CARGO_PROFILE_DEV_DEBUG:-0}" CARGO_INCREMENTAL="${CARGO_INCREMENTAL:-0}"
  if [ -z "${CARGO_TARGET_DIR:-}" ] && mkdir -p "${HOME:-/nonexistent}/.cache/tillstream/target" 2>/dev/null; then
    export CARGO_TARGET_DIR="$HOME/.cache/tillstream/target"
  fi
fi
target_dir="${CARGO_TARGET_DIR:-$PWD/target}"

export PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PWD/e2e/node_modules/.bin:$PATH"

say() { printf '\n==> %s\n' "$*" >&2; }

fail() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# The debug build that the tests use, examples included: the smokes after the tests compile nothing again.
build_for_tests() { cargo test --locked --workspace --no-run --quiet; }

# page_is_fresh DIR: whether the page built in DIR is newer than everything it is built from.
page_is_fresh() {
  [ -f "$1/index.html" ] &&
    [ -z "$(find frontend shared Cargo.toml Cargo.lock Trunk.toml -type f -newer "$1/index.html" -print -quit)" ]
}

# clients_python: the Python in which the Kafka clients of others are installed, kept in ~/.cache/tillstream.
clients_python() {
  local requirements=script/conformance_suites/requirements.txt
  local venv="${XDG_CACHE_HOME:-$HOME/.cache}/tillstream/conformance/python"
  if ! cmp -s "$requirements" "$venv/.installed"; then
    say "Installing the Python clients (usually half a minute)"
    python3 -m venv --clear "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$requirements" >&2
    cp "$requirements" "$venv/.installed"
  fi
  echo "$venv/bin/python"
}
