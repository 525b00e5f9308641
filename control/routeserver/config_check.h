/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* Between the files of the configuration of millrace-rs: single values. */

#include <sys/types.h>

#include <confuse.h>

#include "control/routeserver/config.h"

/** Has libconfuse check each value when it has read it; a wrong one is told by cfg_error(). */
void rs_config_check_values(cfg_t *cfg);

/** Reads ADDRESS or ADDRESS:PORT, IPv4 as long as the underlay is. @return 0 or -EINVAL. */
int rs_parse_listen(const char *text, struct rs_listen *listen);

/** Reads an octal file mode. @return 0 or -EINVAL. */
int rs_parse_mode(const char *text, mode_t *mode);
