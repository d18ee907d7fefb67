#!/usr/bin/env bash
# Builds the image of the Containerfile, looks into it, and runs it as Kubernetes would: uid 65532,
# no capability, a root that cannot be written. The result is build/porter-image.tar (an OCI archive).
#
# BASE=... names the image to start from, where a registry can be asked; without it the base is made
# here, of Debian's packages. PIP_CERT=... is the file of a certificate authority of your own.
set -euo pipefail
cd "$(dirname "$0")/.."

cache=${XDG_CACHE_HOME:-$HOME/.cache}/porter/image
tag=localhost/porter:dev
archive=build/porter-image.tar
store=(--root "$cache/storage" --runroot "$cache/run" --storage-driver overlay)
certificates=${PIP_CERT:-${SSL_CERT_FILE:-}}

say() { printf 'image: %s\n' "$*"; }
stop() {
    printf 'image: %s\n' "$*" >&2
    exit 1
}
buildah() { command buildah "${store[@]}" "$@"; }
podman() { command podman "${store[@]}" --runtime runc "$@"; }

make_base() {
    local made container
    base=localhost/porter-base:bookworm-$(date +%G-%V) # a new one each week has Debian's fixes
    if buildah inspect --type image "$base" >/dev/null 2>&1; then
        return
    fi
    say "making $base of Debian's packages"
    made=$(mktemp -d)
    mmdebstrap --quiet --variant=apt bookworm "$made/base.tar" 2>"$made/log" \
        || { tail -n 5 "$made/log" >&2; rm -rf "$made"; stop "mmdebstrap failed; see above, or name another base: make image BASE=debian:bookworm-slim"; }
    container=$(buildah from scratch)
    buildah add --quiet "$container" "$made/base.tar" / >/dev/null
    buildah config --env PATH=/usr/sbin:/usr/bin:/sbin:/bin "$container"
    buildah commit --quiet "$container" "$base" >/dev/null
    buildah rm "$container" >/dev/null
    rm -rf "$made"
}

build() {
    local options=(--isolation chroot --timestamp 0 --build-arg "BASE=$base" --file Containerfile --tag "$tag")
    if [ -n "$certificates" ]; then
        options+=(--volume "$(dirname "$certificates"):/certificates:ro"
            --build-arg "PIP_CERT=/certificates/$(basename "$certificates")")
    fi
    say "building $tag from $base"
    mkdir -p build
    buildah bud --quiet "${options[@]}" . >build/image.log 2>&1 \
        || { tail -n 20 build/image.log >&2; stop "the build failed; its last lines are above, all of it in build/image.log"; }
    command buildah "${store[@]}" rmi --prune >/dev/null 2>&1 || true # what an older build left untagged
    rm -f "$archive"
    buildah push --quiet "$tag" "oci-archive:$archive"
}

# Nothing to log in to, nothing to install with, nothing that raises a right.
look() {
    local found
    found=$(find "$root" \( -name sh -o -name bash -o -name dash -o -name busybox -o -name apt -o -name 'apt-get' \
        -o -name dpkg -o -name pip -o -name 'pip[0-9.]*' -o -name ensurepip \) ! -path '*/var/lib/dpkg' -printf '/%P ')
    [ -z "$found" ] || stop "there is a shell or a package manager in the image: $found"
    found=$(find "$root" -perm /7000 ! -path "$root/tmp" -printf '/%P ')
    [ -z "$found" ] || stop "there is a setuid, setgid or sticky file in the image: $found"
    found=$(getcap -r "$root" 2>/dev/null)
    [ -z "$found" ] || stop "there is a file with capabilities in the image: $found"
    say "no shell, no package manager, no setuid file, no file capability in $(find "$root" -type f | wc -l) files"
}

# The limits are given because lifting the usual ones takes a capability that not every root has.
confined=(--ulimit nofile=1024:20000 --ulimit nproc=1024:1024 --network host --read-only
    --read-only-tmpfs=false --cap-drop all --security-opt no-new-privileges)
in_container() { podman run --rm "${confined[@]}" "$@"; }
in_root() {
    unshare --mount bash -euc '
        mkdir -p "$0/proc"
        mount --bind "$0" "$0"
        mount -o remount,bind,ro "$0"
        mount --bind /proc "$0/proc"
        exec python3 tools/in_root.py "$0" "$@"' "$root" "$@"
}

identity='
import errno, os, re
try:
    os.mkdir("/written")
except OSError as error:
    written = errno.errorcode[error.errno]
else:
    written = "yes"
status = dict(re.findall(r"(\w+):\s*(\S+)", open("/proc/self/status").read()))
print("uid", os.getuid(), "gid", os.getgid(), "CapEff", int(status["CapEff"], 16), "CapPrm", int(status["CapPrm"], 16),
      "CapBnd", int(status["CapBnd"], 16), "NoNewPrivs", status["NoNewPrivs"], "write", written)
'
wanted='uid 65532 gid 65532 CapEff 0 CapPrm 0 CapBnd 0 NoNewPrivs 1 write EROFS'

check() {
    local how=podman version is
    if version=$(in_container "$tag" --version 2>build/image-run.log); then
        is=$(in_container --entrypoint /opt/porter/bin/python "$tag" -c "$identity")
    else
        how="chroot, for podman cannot start a container here ($(tail -n 1 build/image-run.log))"
        version=$(in_root /opt/porter/bin/porter --version)
        is=$(in_root /opt/porter/bin/python -c "$identity")
    fi
    [ "$is" = "$wanted" ] || stop "it runs as '$is', not as '$wanted'"
    say "$version ran by $how: $is"
    [ "$how" != podman ] || serve
}

# The daemon loads what no --version does: start it on an empty directory and end it.
serve() {
    local container status
    container=$(podman run --detach "${confined[@]}" --volume /var/lib/porter --volume /run/porter \
        --mount type=tmpfs,destination=/manifests,tmpfs-mode=1777 \
        "$tag" run --node image --http 127.0.0.1:0 --manifests /manifests)
    for _ in $(seq 50); do
        podman logs "$container" 2>&1 | grep -q 'are served' && break
        sleep 0.2
    done
    podman stop --time 10 "$container" >/dev/null
    podman logs "$container" >build/image-run.log 2>&1
    status=$(podman inspect --format '{{.State.ExitCode}}' "$container")
    podman rm --volumes "$container" >/dev/null
    grep -q 'are served' build/image-run.log && [ "$status" -eq 0 ] \
        || { tail -n 5 build/image-run.log >&2; stop "porter run in it ended with status $status; see above"; }
    say "porter run in it serves health, and ends with status 0 on SIGTERM"
}

[ "$(uname -s)" = Linux ] || stop "the image is built on Linux only; run this on a Linux machine"
[ "$(id -u)" -eq 0 ] || stop "not root, and a root file system is unpacked; run: sudo make image"
bash tools/debian.sh image
started=$SECONDS
base=${BASE:-}
[ -n "$base" ] || make_base
build
container=$(buildah from "$tag")
trap 'buildah umount "$container" >/dev/null; buildah rm "$container" >/dev/null' EXIT
root=$(buildah mount "$container")
look
check
say "$archive: $(($(stat -c %s "$archive") / 1000000)) MB compressed, $(du -sm "$root" | cut -f 1) MB unpacked, in $((SECONDS - started)) s"
