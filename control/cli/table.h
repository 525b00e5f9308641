/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* Lists of flat JSON objects as tables with aligned columns. */

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

#include "control/cli/format.h"

struct cli_column {
    const char *title; /* NULL ends a table of columns */
    const char *key;
    cli_formatter *format;
    bool right; /* aligned to the right: numbers */
};

/** How the rows that hang under a row are found and shown: the paths of a route. */
struct cli_detail {
    const char *key; /* of the list in the row */
    const struct cli_column *columns;
};

/**
 * Prints `rows`, an array of objects. A column is left out if its key is absent, null or empty in
 * every row. With `columns` NULL the keys of the rows are the columns, in the order of their first
 * appearance, and a single row is printed from top to bottom. `detail` (NULL: none) is printed
 * under each row, indented. An empty list prints the titles alone.
 */
void table_print(FILE *out, const json_t *rows, const struct cli_column *columns,
                 const struct cli_detail *detail);
