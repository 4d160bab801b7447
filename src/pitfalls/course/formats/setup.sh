#!/usr/bin/env bash
# Run once, when the platform builds the machine's image. The graders need Python 3.11, numpy and torch;
# torch's build for processors is enough: set PIP_INDEX_URL where pip would fetch a larger one.
set -euo pipefail
apt-get update
apt-get install -y --no-install-recommends python3 python3-venv
python=python3
if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  apt-get install -y --no-install-recommends python3.11 python3.11-venv
  python=python3.11
fi
"$python" -m venv /opt/pitfalls
/opt/pitfalls/bin/pip install --no-cache-dir -r /autograder/source/requirements.txt
chmod -R o-rwx /autograder/source
