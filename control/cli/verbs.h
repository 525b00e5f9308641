/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* What millracectl can ask for: one line a verb, with its arguments and the columns of its table.
 */

#include <stdbool.h>

#include "control/cli/perform.h"
#include "control/cli/table.h"
#include "lib/rpc/client.h"

enum cli_type { CLI_STRING, CLI_INTEGER, CLI_BIT_RATE, CLI_BOOLEAN, CLI_STRINGS };

enum cli_form {
    CLI_POSITION, /* VALUE, in the order of the table */
    CLI_OPTIONAL, /* VALUE, may be left out */
    CLI_KEY,      /* NAME=VALUE; a CLI_STRINGS takes several, with commas or repeated */
    CLI_FLAG,     /* --NAME: true */
    CLI_OPTION,   /* NAME VALUE, wherever it stands; the name has its dashes */
    CLI_REST,     /* all words from here on, with blanks between; may be left out */
};

struct cli_argument {
    const char *name; /* as a person writes it; NULL ends a table */
    const char *parameter;
    enum cli_form form;
    enum cli_type type;
    const char *values; /* how they are shown in the usage: "inner|outer"; NULL: VALUE */
};

struct cli_verb {
    const char *noun, *verb;              /* which verb may be left out: cli_find_verb() */
    const char *method;                   /* on the socket */
    const struct cli_argument *arguments; /* NULL: none */
    const char *list;                     /* the list in the result; NULL: no list */
    const struct cli_column *columns;     /* NULL: the rows' own keys */
    const struct cli_detail *detail;      /* printed with --paths; NULL: none */
    const char *group;                    /* a table for each value of this key; NULL: one */
    const char *non_zero;                 /* rows where this is 0 only with --all; NULL: all rows */
    cli_performer *perform;               /* NULL: one request and one answer will do */
    const char *help;
};

/** Every verb, up to one without a noun. */
extern const struct cli_verb cli_verbs[];

/**
 * Finds the verb that the words name: `words` ends with NULL. Where a noun has one verb only it may
 * be left out, and a noun alone lists.
 * @return the verb with `*used` the words that named it, or NULL.
 */
const struct cli_verb *cli_find_verb(const char *const *words, size_t *used);

/**
 * Makes the parameters of a request from the words behind the verb.
 * @return an object, or NULL with `problem` filled: "FIELD: MESSAGE".
 */
json_t *cli_parameters(const struct cli_verb *verb, const char *const *words, char problem[256]);

/**
 * Calls a verb, page after page where it lists, and joins the pages into one result. `params` gets
 * a cursor.
 * @return as rpc_client_call()
 */
int cli_call(struct rpc_client *client, const struct cli_verb *verb, json_t *params, json_t **whole,
             struct rpc_client_error *error);

/** What a person has written for a parameter that the daemon complains of, or the parameter itself
 * if it is none of the verb's. */
const char *cli_name_of(const struct cli_verb *verb, const char *parameter);

/** Prints how a verb is written, in one line. */
void cli_print_usage(FILE *out, const struct cli_verb *verb);
