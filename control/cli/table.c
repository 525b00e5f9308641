/* SPDX-License-Identifier: BSD-3-Clause */

/* Tables: which columns there are, how wide each is, then row by row. */

#include "control/cli/table.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS_MAX   32
#define CELL_SIZE     1024
#define TITLE_SIZE    64
#define DETAIL_INDENT 4

struct layout {
    size_t n;
    struct cli_column columns[COLUMNS_MAX];
    char titles[COLUMNS_MAX][TITLE_SIZE];
    int widths[COLUMNS_MAX];
};

static void
format_cell(const struct cli_column *column, const json_t *row, char text[CELL_SIZE])
{
    const json_t *value = json_object_get(row, column->key);

    if (value == NULL)
        strcpy(text, "-");
    else
        column->format(value, text, CELL_SIZE);
}

static bool
any_row_says(const json_t *rows, const char *key)
{
    const json_t *row;
    size_t i;

    json_array_foreach(rows, i, row)
    {
        const json_t *value = json_object_get(row, key);
        if (value != NULL && !json_is_null(value) &&
            !(json_is_string(value) && json_string_length(value) == 0))
            return true;
    }
    return json_array_size(rows) == 0;
}

static void
add_column(struct layout *layout, const struct cli_column *column, const char *title)
{
    if (layout->n == COLUMNS_MAX)
        return;
    layout->columns[layout->n] = *column;
    snprintf(layout->titles[layout->n], TITLE_SIZE, "%s", title);
    layout->n++;
}

static bool
has_key(const struct layout *layout, const char *key)
{
    for (size_t i = 0; i < layout->n; i++) {
        if (strcmp(layout->columns[i].key, key) == 0)
            return true;
    }
    return false;
}

/* rx_packets becomes the title RX PACKETS; lists and objects inside a row have no column. */
static void
add_columns_of_row(struct layout *layout, const json_t *row)
{
    void *position = json_object_iter((json_t *)(uintptr_t)row);

    for (; position != NULL; position = json_object_iter_next((json_t *)(uintptr_t)row, position)) {
        const json_t *value = json_object_iter_value(position);
        struct cli_column column = { NULL, json_object_iter_key(position), format_any,
                                     json_is_number(value) };
        char title[TITLE_SIZE];

        if (json_is_object(value) || has_key(layout, column.key))
            continue;
        snprintf(title, sizeof(title), "%s", column.key);
        for (char *c = title; *c != '\0'; c++)
            *c = *c == '_' ? ' ' : (char)toupper((unsigned char)*c);
        add_column(layout, &column, title);
    }
}

static void
choose_columns(struct layout *layout, const json_t *rows, const struct cli_column *columns)
{
    static const struct cli_column name = { "NAME", "name", format_any, false };
    const json_t *row;
    size_t i;

    layout->n = 0;
    for (; columns != NULL && columns->title != NULL; columns++) {
        if (any_row_says(rows, columns->key))
            add_column(layout, columns, columns->title);
    }
    if (layout->n > 0)
        return;
    if (json_object_get(json_array_get(rows, 0), name.key) != NULL)
        add_column(layout, &name, name.title);
    json_array_foreach(rows, i, row) add_columns_of_row(layout, row);
}

static void
measure(struct layout *layout, const json_t *rows)
{
    char text[CELL_SIZE];
    const json_t *row;
    size_t i;

    for (size_t c = 0; c < layout->n; c++) {
        layout->widths[c] = (int)strlen(layout->titles[c]);
        json_array_foreach(rows, i, row)
        {
            format_cell(&layout->columns[c], row, text);
            if ((int)strlen(text) > layout->widths[c])
                layout->widths[c] = (int)strlen(text);
        }
    }
}

static void
print_cell(FILE *out, const struct layout *layout, size_t c, const char *text)
{
    bool last = c + 1 == layout->n;

    if (layout->columns[c].right)
        fprintf(out, "%*s", layout->widths[c], text);
    else
        fprintf(out, "%-*s", last ? 0 : layout->widths[c], text);
    fputs(last ? "\n" : "  ", out);
}

static void
print_rows(FILE *out, const json_t *rows, const struct cli_column *columns,
           const struct cli_detail *detail, int indent)
{
    struct layout *layout = malloc(sizeof(*layout));
    char text[CELL_SIZE];
    const json_t *row;
    size_t i;

    if (layout == NULL)
        return;
    choose_columns(layout, rows, columns);
    measure(layout, rows);
    fprintf(out, "%*s", indent, "");
    for (size_t c = 0; c < layout->n; c++)
        print_cell(out, layout, c, layout->titles[c]);
    json_array_foreach(rows, i, row)
    {
        fprintf(out, "%*s", indent, "");
        for (size_t c = 0; c < layout->n; c++) {
            format_cell(&layout->columns[c], row, text);
            print_cell(out, layout, c, text);
        }
        if (detail != NULL && json_array_size(json_object_get(row, detail->key)) > 0)
            print_rows(out, json_object_get(row, detail->key), detail->columns, NULL,
                       indent + DETAIL_INDENT);
    }
    free(layout);
}

/* One row whose columns nobody chose is read more easily from top to bottom. */
static void
print_single(FILE *out, const json_t *rows)
{
    struct layout *layout = malloc(sizeof(*layout));
    int width = 0;
    char text[CELL_SIZE];

    if (layout == NULL)
        return;
    choose_columns(layout, rows, NULL);
    for (size_t c = 0; c < layout->n; c++) {
        if ((int)strlen(layout->titles[c]) > width)
            width = (int)strlen(layout->titles[c]);
    }
    for (size_t c = 0; c < layout->n; c++) {
        format_cell(&layout->columns[c], json_array_get(rows, 0), text);
        fprintf(out, "%-*s  %s\n", width, layout->titles[c], text);
    }
    free(layout);
}

void
table_print(FILE *out, const json_t *rows, const struct cli_column *columns,
            const struct cli_detail *detail)
{
    if (columns == NULL && json_array_size(rows) == 0)
        return;
    if (columns == NULL && json_array_size(rows) == 1)
        print_single(out, rows);
    else
        print_rows(out, rows, columns, detail, 0);
}
