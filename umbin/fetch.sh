#!/usr/bin/env bash
# Brings the official images of the 2006 ICFP programming contest into umbin/official, which Git ignores. An image counts
# only if its checksum is the one below; one that is there already is not brought again.
set -uo pipefail
cd "$(dirname "$0")" || exit 2

site=http://www.boundvariable.org
images=(
    "sandmark.umz 7ba79e5e9c9037ebc17df056e0ddfcbf4e8c57944860ec82be08272e39274334"
    "codex.umz 0c1f82a21c2a6903aad33b256670e1c9d021fe7ae3c45a7d3de0bb272fd79306"
)

say() { echo "fetch.sh: $*" >&2; }

download() { # URL FILE
    if command -v curl >/dev/null 2>&1; then
        curl --fail --location --silent --show-error --connect-timeout 20 --max-time 600 --output "$2" "$1"
    elif command -v wget >/dev/null 2>&1; then
        wget --quiet --timeout=20 --tries=2 --output-document="$2" "$1"
    else
        say "neither curl nor wget is installed"
        return 1
    fi
}

checksum() { # FILE
    if command -v sha256sum >/dev/null 2>&1; then
        sha256sum "$1" | cut -d ' ' -f 1
    else
        shasum -a 256 "$1" | cut -d ' ' -f 1
    fi
}

mkdir -p official || exit 2
failures=0
for entry in "${images[@]}"; do
    read -r name expected <<<"$entry"
    if [ -f "official/$name" ] && [ "$(checksum "official/$name")" = "$expected" ]; then
        echo "umbin/official/$name is there"
        continue
    fi
    part="official/$name.part"
    if ! download "$site/$name" "$part"; then
        say "cannot get $site/$name: is there a network, and is the site up?"
        failures=$((failures + 1))
    elif found=$(checksum "$part") && [ "$found" != "$expected" ]; then
        say "$site/$name is not what it was: sha256 $found, expected $expected"
        failures=$((failures + 1))
    else
        mv "$part" "official/$name"
        echo "umbin/official/$name is new"
    fi
    rm -f "$part"
done
if [ "$failures" -gt 0 ]; then
    say "$failures of ${#images[@]} images are missing"
    exit 1
fi
