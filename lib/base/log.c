/* SPDX-License-Identifier: BSD-3-Clause */

/* Log lines: formatted into a buffer on the stack, made printable, written with one write(2). */

#include "lib/base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_OCTETS 1024

static const char *const level_names[] = { "error", "warning", "info", "debug" };
static _Atomic int level_limit = LOG_LEVEL_INFO;

void
log_level_set(enum log_level level)
{
    atomic_store_explicit(&level_limit, (int)level, memory_order_relaxed);
}

int
log_level_parse(const char *name)
{
    for (int level = LOG_LEVEL_ERROR; level <= LOG_LEVEL_DEBUG; level++) {
        if (strcmp(name, level_names[level]) == 0)
            return level;
    }
    return -EINVAL;
}

/* Appends `text` to the line with every control character shown as \xNN; returns the new length. */
static size_t
append_printable(char *line, size_t length, size_t size, const char *text)
{
    static const char hex[] = "0123456789abcdef";

    for (; *text != '\0' && length + 5 < size; text++) {
        unsigned char c = (unsigned char)*text;

        if (c < 0x20 || c == 0x7f) {
            line[length++] = '\\';
            line[length++] = 'x';
            line[length++] = hex[c >> 4];
            line[length++] = hex[c & 15];
        } else {
            line[length++] = (char)c;
        }
    }
    return length;
}

void
log_write(enum log_level level, const char *area, const char *format, ...)
{
    if ((int)level > atomic_load_explicit(&level_limit, memory_order_relaxed))
        return;

    struct timespec now;
    struct tm parts;
    char text[LINE_MAX_OCTETS];
    char line[LINE_MAX_OCTETS + 128];

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    size_t length = strftime(line, sizeof(line), "%Y-%m-%dT%H:%M:%S", &parts);
    length +=
        (size_t)snprintf(line + length, sizeof(line) - length,
                         ".%03ldZ %-7s %s: ", now.tv_nsec / 1000000, level_names[level], area);

    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);

    length = append_printable(line, length, sizeof(line), text);
    line[length++] = '\n';
    if (write(STDERR_FILENO, line, length) < 0)
        return; /* nobody is left to tell */
}
