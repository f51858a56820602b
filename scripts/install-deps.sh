#!/usr/bin/env bash
# Installs what the build and the tests need from the distribution. Does nothing when all of it is there.
#   scripts/install-deps.sh [PACKAGE...]     these as well, for a script that needs more
set -euo pipefail

packages=(
  g++ cmake ninja-build ccache git ca-certificates pkg-config
  libtorch-dev libopencv-dev libfaiss-dev libopenblas-dev libopenblas0-openmp libomp-dev
  libgeographiclib-dev libssl-dev zlib1g-dev libutf8proc-dev libjpeg-dev libtiff-dev
  libcurl4-openssl-dev libsqlite3-dev libcpp-httplib-dev
  libspdlog-dev libcli11-dev libyaml-cpp-dev nlohmann-json3-dev libboost-dev
  libgtest-dev libgmock-dev
  tzdata
  "$@"
)

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
  exit 0
fi

sudo=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "install-deps: need root or sudo to install: ${missing[*]}" >&2; exit 1; }
  sudo=(sudo)
fi
echo "installing: ${missing[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
"${sudo[@]}" apt-get update -qq
"${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
