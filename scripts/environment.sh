#!/usr/bin/env bash
# Make .venv with zoo installed; with the argument "test", also the packages of the tests (all three backends).
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "zoo needs Python 3.11 or newer; set PYTHON to one." >&2; exit 1; }
[ -x .venv/bin/python ] || "$python" -m venv .venv
# before its name on PyPI was keras-text-zoo, an environment held the zoo as `zoo`: both would write bin/zoo
if compgen -G ".venv/lib/python*/site-packages/__editable__.zoo-*" >/dev/null; then
  .venv/bin/python -m pip uninstall --quiet --disable-pip-version-check --yes zoo
fi
echo "Installing zoo into .venv (a few minutes the first time) ..."
.venv/bin/python -m pip install --quiet --disable-pip-version-check --editable ".${1:+[$1]}"
