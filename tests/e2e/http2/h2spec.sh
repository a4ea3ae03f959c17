#!/usr/bin/env bash
# h2spec itself, beside our own table: fetched and built by the go command (the last version that Go's module proxy
# has, 2.2.1: 146 cases), and run on a server.
#
#   tests/e2e/http2/h2spec.sh FOLDER                       installs FOLDER/h2spec
#   H2SPEC=FOLDER/h2spec ctest -R e2e/http2_conformance    plays it to Sluice, as when it is on the PATH
set -euo pipefail

folder=$(mkdir -p "${1:?the folder to install into}" && cd "$1" && pwd)
command -v go >/dev/null || PATH=$PATH:/usr/local/go/bin
command -v go >/dev/null || { echo "h2spec.sh: no go command (package golang-go)" >&2; exit 1; }
# Modules are kept where they are not in the way, and can be removed.
GOPATH=$folder/.go GOFLAGS=-modcacherw GOBIN=$folder \
  go install github.com/summerwind/h2spec/cmd/h2spec@v2.2.1+incompatible
rm -rf "$folder/.go"
echo "$folder/h2spec"
