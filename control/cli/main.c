/* SPDX-License-Identifier: BSD-3-Clause */

/* millracectl: asks one of the daemons for one thing over its control socket, and prints the answer
 * as a table for people or as JSON for programs. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/cli/verbs.h"
#include "lib/base/text.h"
#include "lib/rpc/server.h"

#define SOCKET_DEFAULT    "/run/millrace/millrace.sock"
#define TIMEOUT_S_DEFAULT 30u
#define TIMEOUT_S_MAX     3600u
#define WORDS_MAX         512

enum { EXIT_REFUSED = 1, EXIT_USAGE = 2 };

struct options {
    const char *socket;
    unsigned timeout_s;
    bool json, all, paths, help;
    const char *words[WORDS_MAX + 1]; /* what is no option of millracectl's own; ends with NULL */
};

static void
print_help(FILE *out, const char *noun)
{
    if (noun == NULL)
        fputs("usage: millracectl [--socket PATH] [--json] [--timeout SECONDS] NOUN [VERB] "
              "[ARGUMENT...]\n\n"
              "  -s, --socket PATH  the daemon's control socket (" SOCKET_DEFAULT ",\n"
              "                     or what MILLRACE_SOCKET says)\n"
              "  --json             print the answer as JSON\n"
              "  --timeout SECONDS  give up after this time (30)\n"
              "  --help, --version\n\n",
              out);
    for (const struct cli_verb *verb = cli_verbs; verb->noun != NULL; verb++) {
        if (noun == NULL || strcmp(noun, verb->noun) == 0)
            cli_print_usage(out, verb);
    }
}

static int
fail(int status, const char *field, const char *message)
{
    if (field != NULL && field[0] != '\0')
        fprintf(stderr, "millracectl: %s: %s\n", field, message);
    else
        fprintf(stderr, "millracectl: %s\n", message);
    return status;
}

/* @return 0, or the status to exit with. */
static int
parse_options(int argc, char **argv, struct options *options)
{
    size_t n = 0;
    uint32_t seconds;

    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        if (strcmp(word, "--json") == 0) {
            options->json = true;
        } else if (strcmp(word, "--all") == 0) {
            options->all = true;
        } else if (strcmp(word, "--paths") == 0) {
            options->paths = true;
        } else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
            options->help = true;
        } else if (strcmp(word, "--socket") == 0 || strcmp(word, "-s") == 0 ||
                   strcmp(word, "--timeout") == 0) {
            if (i + 1 == argc)
                return fail(EXIT_USAGE, word, "expected a value");
            i++;
            if (strcmp(word, "--timeout") != 0)
                options->socket = argv[i];
            else if (text_parse_u32(argv[i], TIMEOUT_S_MAX, &seconds) == 0 && seconds > 0)
                options->timeout_s = seconds;
            else
                return fail(EXIT_USAGE, word, "expected a number of seconds from 1 to 3600");
        } else if (n == WORDS_MAX) {
            return fail(EXIT_USAGE, NULL, "too many arguments");
        } else {
            options->words[n++] = word;
        }
    }
    return 0;
}

/* One table for each value of the verb's grouping key, which itself has no column. */
static void
print_groups(const struct cli_verb *verb, json_t *rows)
{
    size_t from = 0, n = json_array_size(rows);

    while (from < n) {
        json_t *group = json_array();
        json_t *name = json_incref(json_object_get(json_array_get(rows, from), verb->group));
        const char *text = json_string_value(name);
        for (; from < n; from++) {
            json_t *row = json_array_get(rows, from);
            if (!json_equal(json_object_get(row, verb->group), name))
                break;
            json_object_del(row, verb->group);
            json_array_append(group, row);
        }
        printf("%s:\n", text == NULL ? "-" : text);
        table_print(stdout, group, verb->columns, NULL);
        if (from < n)
            putchar('\n');
        json_decref(name);
        json_decref(group);
    }
}

static void
print_answer(const struct cli_verb *verb, json_t *result, const struct options *options)
{
    json_t *rows = verb->list == NULL ? NULL : json_object_get(result, verb->list);

    if (!options->json && verb->list == NULL && verb->columns != NULL) { /* one row */
        rows = json_pack("[O]", result);
        table_print(stdout, rows, verb->columns, NULL);
        json_decref(rows);
        return;
    }
    if (options->json || !json_is_array(rows)) {
        if (options->json || json_object_size(result) > 0) {
            json_dumpf(result, stdout, JSON_INDENT(2));
            putchar('\n');
        }
        return;
    }
    for (size_t i = json_array_size(rows); verb->non_zero != NULL && !options->all && i-- > 0;) {
        const json_t *value = json_object_get(json_array_get(rows, i), verb->non_zero);
        if (json_is_integer(value) && json_integer_value(value) == 0)
            json_array_remove(rows, i);
    }
    if (verb->group != NULL)
        print_groups(verb, rows);
    else
        table_print(stdout, rows, verb->columns, options->paths ? verb->detail : NULL);
}

static int
ask(const struct cli_verb *verb, json_t *params, const struct options *options)
{
    struct rpc_client *client = NULL;
    struct rpc_client_error error = { 0 };
    json_t *result = NULL;
    int status = rpc_client_open(options->socket, options->timeout_s * 1000, &client);

    if (status == -ENOENT || status == -ECONNREFUSED)
        return fail(EXIT_REFUSED, options->socket,
                    "no daemon listens there; is it running? --socket names another one's socket");
    if (status != 0)
        return fail(EXIT_REFUSED, options->socket, strerror(-status));
    if (verb->perform != NULL)
        status = verb->perform(client, params, options->json, &error);
    else
        status = cli_call(client, verb, params, &result, &error);
    rpc_client_close(client);
    if (status == -EREMOTEIO && error.code == RPC_UNKNOWN_VERB)
        return fail(EXIT_REFUSED, verb->method,
                    "the daemon has no such verb; --socket names another one's socket");
    if (status == -EREMOTEIO)
        return fail(EXIT_REFUSED, cli_name_of(verb, error.field), error.message);
    if (status != 0)
        return fail(EXIT_REFUSED, options->socket, strerror(-status));
    if (verb->perform == NULL)
        print_answer(verb, result, options);
    json_decref(result);
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : fail(EXIT_REFUSED, NULL, strerror(errno));
}

int
main(int argc, char **argv)
{
    const char *from_environment = getenv("MILLRACE_SOCKET");
    struct options options = {
        .socket = from_environment != NULL ? from_environment : SOCKET_DEFAULT,
        .timeout_s = TIMEOUT_S_DEFAULT,
    };
    char problem[256];
    size_t used;

    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        puts("millracectl " MILLRACE_VERSION);
        return 0;
    }
    int status = parse_options(argc, argv, &options);
    if (status != 0)
        return status;
    if (options.help || options.words[0] == NULL) {
        print_help(options.help ? stdout : stderr, options.words[0]);
        return options.help ? 0 : EXIT_USAGE;
    }
    const struct cli_verb *verb = cli_find_verb(options.words, &used);
    if (verb == NULL) {
        fail(EXIT_USAGE, options.words[0], "no such noun, or no such verb of it");
        print_help(stderr, options.words[0]);
        return EXIT_USAGE;
    }
    json_t *params = cli_parameters(verb, options.words + used, problem);
    if (params == NULL) {
        fail(EXIT_USAGE, NULL, problem);
        cli_print_usage(stderr, verb);
        return EXIT_USAGE;
    }
    status = ask(verb, params, &options);
    json_decref(params);
    return status;
}
