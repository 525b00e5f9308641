/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* The command line of millrace. */

#include <stdbool.h>

enum exit_status { EXIT_STATUS_OK = 0, EXIT_STATUS_FAILED = 1, EXIT_STATUS_USAGE = 2 };

struct options {
    const char *config_path;
    bool check_only;
};

/**
 * Reads the command line; sets the log level that it asks for, and says on standard error what is
 * wrong with it. The paths point into `argv`.
 * @return -1 to go on, else the exit status of the program, which has nothing more to do.
 */
int options_read(int argc, char **argv, struct options *options);
