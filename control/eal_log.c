/* SPDX-License-Identifier: BSD-3-Clause */

/* DPDK writes its messages to a stream: this one makes log lines of ours of them. */

#define LOG_AREA "dpdk"

#include "control/eal_log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_log.h>

#include "lib/base/log.h"

static enum log_level
level_of(const char *line)
{
    if (strncmp(line, "tap_", 4) == 0 || strstr(line, "_tap_") != NULL ||
        strncmp(line, "qdisc_", 6) == 0)
        return LOG_LEVEL_DEBUG;
    switch (rte_log_cur_msg_loglevel()) {
    case RTE_LOG_EMERG:
    case RTE_LOG_ALERT:
    case RTE_LOG_CRIT:
    case RTE_LOG_ERR:
        return LOG_LEVEL_WARNING;
    default:
        return LOG_LEVEL_DEBUG;
    }
}

static ssize_t
lines_write(void *cookie, const char *data, size_t length)
{
    size_t left = length;

    (void)cookie;
    while (left > 0) {
        const char *end = memchr(data, '\n', left);
        size_t n = end == NULL ? left : (size_t)(end - data);
        if (n > 0)
            log_write(level_of(data), LOG_AREA, "%.*s", (int)n, data);
        n += end != NULL;
        data += n;
        left -= n;
    }
    return (ssize_t)length;
}

int
eal_log_redirect(void)
{
    FILE *stream = fopencookie(NULL, "w", (cookie_io_functions_t){ .write = lines_write });

    if (stream == NULL)
        return -ENOMEM;
    setvbuf(stream, NULL, _IOLBF, 4096);
    return rte_openlog_stream(stream) < 0 ? -ENOMEM : 0;
}
