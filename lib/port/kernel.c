/* SPDX-License-Identifier: BSD-3-Clause */

/* The kernel's view of the interfaces behind TAP, AF_PACKET and AF_XDP ports. */

#include "lib/port/kernel.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

bool
kernel_interface_exists(const char *name)
{
    return if_nametoindex(name) != 0;
}

int
kernel_request(int family, unsigned long number, void *argument)
{
    int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -errno;
    int error = ioctl(fd, number, argument) < 0 ? -errno : 0;
    close(fd);
    return error;
}

static int
interface_ioctl(unsigned long number, const char *name, struct ifreq *answer)
{
    memset(answer, 0, sizeof(*answer));
    snprintf(answer->ifr_name, sizeof(answer->ifr_name), "%s", name);
    return kernel_request(AF_INET, number, answer);
}

int
kernel_interface_mtu(const char *name, uint16_t *mtu)
{
    struct ifreq answer;
    int error = interface_ioctl(SIOCGIFMTU, name, &answer);

    if (error == 0)
        *mtu = answer.ifr_mtu > UINT16_MAX ? UINT16_MAX : (uint16_t)answer.ifr_mtu;
    return error;
}

bool
kernel_interface_is_up(const char *name)
{
    const int wanted = IFF_UP | IFF_RUNNING;
    struct ifreq answer;

    return interface_ioctl(SIOCGIFFLAGS, name, &answer) == 0 &&
           (answer.ifr_flags & wanted) == wanted;
}

static bool
is_tun_descriptor(int directory, const char *name)
{
    char target[PATH_MAX];
    ssize_t length = readlinkat(directory, name, target, sizeof(target) - 1);

    if (length < 0)
        return false;
    target[length] = '\0';
    return strcmp(target, "/dev/net/tun") == 0;
}

int
kernel_tap_find(const char *name)
{
    DIR *directory = opendir("/proc/self/fd");
    struct dirent *entry;
    int found = -1;

    if (directory == NULL)
        return -1;
    while (found < 0 && (entry = readdir(directory)) != NULL) {
        struct ifreq answer = { 0 };
        if (!is_tun_descriptor(dirfd(directory), entry->d_name))
            continue;
        int fd = atoi(entry->d_name);
        if (ioctl(fd, TUNGETIFF, &answer) == 0 && strcmp(answer.ifr_name, name) == 0)
            found = fd;
    }
    closedir(directory);
    return found;
}

bool
kernel_tap_is_up(int fd)
{
    struct ifreq here, tap = { 0 };

    if (ioctl(fd, TUNGETIFF, &tap) < 0)
        return false; /* deleted, perhaps with the namespace that it was moved to */
    if (interface_ioctl(SIOCGIFFLAGS, tap.ifr_name, &here) < 0)
        return true; /* in another namespace: it can be read from, more is not to be known */
    return (here.ifr_flags & IFF_UP) != 0;
}
