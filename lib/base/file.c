/* SPDX-License-Identifier: BSD-3-Clause */

/* Whole files: read within a bound, replaced atomically, set aside when they are corrupt. */

#include "lib/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int
write_all(int fd, const char *data, size_t length)
{
    while (length > 0) {
        ssize_t n = write(fd, data, length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        data += n;
        length -= (size_t)n;
    }
    return 0;
}

static int
sync_directory_of(const char *path)
{
    char copy[PATH_MAX];

    if (snprintf(copy, sizeof(copy), "%s", path) >= (int)sizeof(copy))
        return -ENAMETOOLONG;
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int error = fsync(fd) < 0 ? -errno : 0;
    close(fd);
    return error;
}

int
file_write_atomic(const char *path, const void *data, size_t length)
{
    char fresh[PATH_MAX];

    if (snprintf(fresh, sizeof(fresh), "%s.new", path) >= (int)sizeof(fresh))
        return -ENAMETOOLONG;
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    if (fd < 0)
        return -errno;
    int error = write_all(fd, data, length);
    if (error == 0 && fsync(fd) < 0)
        error = -errno;
    if (close(fd) < 0 && error == 0)
        error = -errno;
    if (error == 0 && rename(fresh, path) < 0)
        error = -errno;
    if (error != 0) {
        unlink(fresh);
        return error;
    }
    return sync_directory_of(path);
}

int
file_read(const char *path, size_t max, char **data, size_t *length)
{
    int error = 0;
    char *buffer = NULL;
    size_t used = 0, room = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return -errno;
    for (;;) {
        if (room - used < 2) {
            room = room == 0 ? 4096 : room * 2;
            char *larger = realloc(buffer, room);
            if (larger == NULL) {
                error = -ENOMEM;
                break;
            }
            buffer = larger;
        }
        ssize_t n = read(fd, buffer + used, room - used - 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            error = -errno;
        if (n <= 0)
            break;
        used += (size_t)n;
        if (used > max) {
            error = -EFBIG;
            break;
        }
    }
    close(fd);
    if (error != 0) {
        free(buffer);
        return error;
    }
    buffer[used] = '\0';
    *data = buffer;
    *length = used;
    return 0;
}

int
file_set_aside(const char *path)
{
    char aside[PATH_MAX];

    if (snprintf(aside, sizeof(aside), "%s.corrupt", path) >= (int)sizeof(aside))
        return -ENAMETOOLONG;
    return rename(path, aside) < 0 ? -errno : 0;
}
