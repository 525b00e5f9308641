/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* Verbs that are more than one request and one answer. */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/rpc/client.h"

/* Begins the names of parameters that are for millracectl itself and are not sent. */
#define CLI_LOCAL "@"

/**
 * Does what a verb asks for and prints it.
 * @param params the request's, and those for millracectl
 * @return 0 or, with `error` filled, as rpc_client_call()
 */
typedef int cli_performer(struct rpc_client *client, json_t *params, bool json,
                          struct rpc_client_error *error);

cli_performer cli_explain;
cli_performer cli_trace;
cli_performer cli_capture;

/** Says that something is wrong on this side. @return -EREMOTEIO. */
int cli_refuse(struct rpc_client_error *error, const char *field, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** Prints the steps of an explanation or a trace, a line each. */
void cli_print_steps(FILE *out, const json_t *steps, const char *indent);
