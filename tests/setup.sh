# SPDX-License-Identifier: BSD-3-Clause
# What demo, check and .ci/run share: the Debian packages that each of them needs, and the build.
# Sourced by bash from the root of the tree. Names what it does while it does it.

packages_build=(build-essential meson ninja-build pkg-config python3 libdpdk-dev libexpat1-dev
    libevent-dev libjansson-dev libconfuse-dev libpcap-dev libmbedtls-dev
    libcmocka-dev)
packages_demo=(iproute2 iputils-ping iperf3 udhcpc tcpdump ethtool procps)
packages_test=(clang clang-format python3-scapy python3-slixmpp tshark isc-dhcp-client
    iputils-arping ndisc6 dpdk-dev git
    iputils-tracepath openssl qemu-system-x86 busybox-static lua5.4)
packages_long=(libclang-rt-dev)

say() {
    printf '\033[1m==> %s\033[0m\n' "$*"
}

die() {
    printf '%s\n' "$*" >&2
    exit 1
}

# as_root COMMAND...: runs it, through sudo where we are somebody else.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "this needs root: run it as root, or install sudo"
    fi
}

package_is_installed() {
    local state
    state=$(dpkg-query --show --showformat='${db:Status-Status}\n' "$1" 2>/dev/null) || return 1
    [ "${state%%$'\n'*}" = installed ]
}

# setup_packages GROUP...: installs what is missing of the groups build, demo, test and long.
setup_packages() {
    local group name missing=()
    command -v dpkg-query >/dev/null ||
        die "this set-up knows Debian only; install the packages of tests/setup.sh by hand" \
            "and say --no-install"
    for group in "$@"; do
        local -n list="packages_$group"
        for name in "${list[@]}"; do
            package_is_installed "$name" || missing+=("$name")
        done
    done
    if [ ${#missing[@]} -eq 0 ]; then
        say "every package that is needed is there"
        return
    fi
    say "installing ${#missing[@]} packages: ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    as_root apt-get update --quiet ||
        say "apt-get update failed; trying with the package lists that are there"
    # DEBIAN_FRONTEND does not pass through every sudo: given on the command line as well.
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet \
        --no-install-recommends -o Dpkg::Use-Pty=0 "${missing[@]}" ||
        die "the packages could not be installed: ${missing[*]}"
}

# setup_guest_kernel: a kernel for the tests' virtual machine, unpacked into build-guest, where this
# machine has none of Debian's; without one the tests that need it say so.
setup_guest_kernel() {
    local name
    if compgen -G '/boot/vmlinuz-*' >/dev/null || [ -d build-guest/boot ]; then
        return
    fi
    name=$(apt-cache depends linux-image-cloud-amd64 2>/dev/null |
        sed -n 's/^ *Depends: \(linux-image-[0-9]\)/\1/p' | head -n 1)
    say "unpacking a kernel for the tests' virtual machine: ${name:-none is known}"
    mkdir -p build-guest
    if ! (cd build-guest && apt-get download --quiet "$name" &&
        dpkg-deb --extract "$name"_*.deb . && rm -f "$name"_*.deb); then
        rm -rf build-guest
        say "it could not be had: those tests are left out"
    fi
}

# setup_build DIRECTORY [MESON OPTION...]: configures it once; CC chooses the compiler.
setup_build() {
    local directory=$1
    shift
    if [ ! -f "$directory/build.ninja" ]; then
        say "configuring $directory"
        # A half-configured directory is of no use to meson.
        [ ! -d "$directory" ] || rm -rf "$directory"
        meson setup "$directory" "$@"
    fi
}

# build_tree DIRECTORY [TARGET...]: compiles, with ninja's own progress.
build_tree() {
    local directory=$1
    shift
    say "building $directory"
    ninja -C "$directory" "$@"
}
