#!/bin/sh
# image.sh TARBALL TAG: the OCI image of TARBALL, by podman or docker (ENGINE).
# BASE is the image of a Debian that it stands on; BUILD_ARGS goes to the
# engine's build as it is.
set -eu

fail() {
	echo "image.sh: $*" >&2
	exit 1
}

engine=${ENGINE:-}
for program in podman docker; do
	[ -n "$engine" ] || ! command -v "$program" >/dev/null || engine=$program
done
test -n "$engine" || fail "needs podman or docker"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tar -C "$work" --strip-components=1 -xf "$1"

# podman writes OCI's own format, which knows no HEALTHCHECK, unless told so
case $(basename "$engine") in
podman) format='--format docker' ;;
*) format='' ;;
esac
# shellcheck disable=SC2086 # lists of arguments
"$engine" build $format --tag "$2" ${BASE:+--build-arg "BASE=$BASE"} \
	--label "org.opencontainers.image.version=$(cat "$work/VERSION")" \
	${BUILD_ARGS:-} --file "$work/packaging/image/Dockerfile" "$work"
