/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Log lines for people: one line an event, to standard error, with time, level and area.
 *
 * Callable from the control, slow-path and helper threads; workers never log. A line is written
 * with one write(2), so lines of several threads do not mix.
 */

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/** Sets the level beyond which lines are not written. Any thread. */
void log_level_set(enum log_level level);

/** The level named by `name` ("error", "warning", "info", "debug"), or -EINVAL. */
int log_level_parse(const char *name);

/**
 * Writes one line. `area` is the part of the program that speaks ("xmpp", "dhcp4", "port").
 * Control characters in the formatted text are shown as \xNN: text from peers cannot forge lines.
 */
void log_write(enum log_level level, const char *area, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * A .c file that logs defines LOG_AREA before it includes this header.
 */
#define log_error(...)   log_write(LOG_LEVEL_ERROR, LOG_AREA, __VA_ARGS__)
#define log_warning(...) log_write(LOG_LEVEL_WARNING, LOG_AREA, __VA_ARGS__)
#define log_info(...)    log_write(LOG_LEVEL_INFO, LOG_AREA, __VA_ARGS__)
#define log_debug(...)   log_write(LOG_LEVEL_DEBUG, LOG_AREA, __VA_ARGS__)
