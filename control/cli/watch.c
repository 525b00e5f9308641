/* SPDX-License-Identifier: BSD-3-Clause */

/* millracectl trace and capture: a watch is started, read until there is enough of it or somebody
 * interrupts, and stopped. Files are written here, with the rights of who asked. */

#include "control/cli/perform.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "control/cli/pcapng.h"
#include "lib/base/text.h"
#include "lib/net/description.h"

#define WAIT_MS    500 /* how long the daemon may keep a read waiting */
#define PACKET_MAX 16384

/* A watch at work. */
struct reading {
    struct rpc_client *client;
    const char *verbs; /* "trace" or "capture" */
    int64_t id, limit; /* limit 0: none */
    int64_t seen, lost;
    bool json;
    FILE *file;  /* captures: pcapng; NULL: text on standard output */
    int failure; /* errno of a write that failed, 0: none did */
};

static volatile sig_atomic_t interrupted;

static void
on_signal(int number)
{
    (void)number;
    interrupted = 1;
}

int
cli_refuse(struct rpc_client_error *error, const char *field, const char *format, ...)
{
    va_list arguments;

    memset(error, 0, sizeof(*error));
    snprintf(error->field, sizeof(error->field), "%s", field);
    va_start(arguments, format);
    vsnprintf(error->message, sizeof(error->message), format, arguments);
    va_end(arguments);
    return -EREMOTEIO;
}

static int
call(struct reading *reading, const char *what, json_t *params, json_t **result,
     struct rpc_client_error *error)
{
    char verb[32];

    snprintf(verb, sizeof(verb), "%s.%s", reading->verbs, what);
    return rpc_client_call(reading->client, verb, params, result, error);
}

static const char *
text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text == NULL ? "" : text;
}

static int64_t
number_of(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

/* The time of day, here. */
static void
print_time(const json_t *record)
{
    const int64_t ns = number_of(record, "time_ns");
    const time_t seconds = (time_t)(ns / 1000000000);
    struct tm local;
    char text[16];

    localtime_r(&seconds, &local);
    strftime(text, sizeof(text), "%H:%M:%S", &local);
    printf("%s.%06" PRId64 " ", text, ns % 1000000000 / 1000);
}

static void
show_trace(struct reading *reading, const json_t *record)
{
    (void)reading;
    print_time(record);
    printf("%s: %s\n", text_of(record, "from"), text_of(record, "packet"));
    cli_print_steps(stdout, json_object_get(record, "steps"), "  ");
}

static void
show_capture(struct reading *reading, const json_t *record)
{
    static uint8_t octets[PACKET_MAX];
    const bool inbound = strcmp(text_of(record, "direction"), "in") == 0;
    const uint32_t length = (uint32_t)number_of(record, "length");
    char comment[256], description[DESCRIPTION_TEXT_MAX];
    size_t kept;

    if (text_unhex(text_of(record, "octets"), octets, sizeof(octets), &kept) != 0)
        kept = 0;
    if (reading->file != NULL) {
        snprintf(comment, sizeof(comment), "%s, %s", text_of(record, "direction"),
                 text_of(record, "verdict"));
        pcapng_packet(reading->file, (uint64_t)number_of(record, "time_ns"), inbound, octets,
                      (uint32_t)kept, length, comment);
        return;
    }
    if (strcmp(text_of(record, "link"), "ip") == 0)
        description_of_packet(octets, kept, length, description, sizeof(description));
    else
        description_of_frame(octets, kept, length, description, sizeof(description));
    print_time(record);
    printf("%-3s %s: %s\n", text_of(record, "direction"), description, text_of(record, "verdict"));
}

/* @return false if it cannot be written any more. That a pipe's reader has seen enough is no
 * failure: the output is as good as written. */
static bool
flush(struct reading *reading, FILE *out)
{
    errno = 0;
    if (fflush(out) == 0 && !ferror(out))
        return true;
    reading->failure = errno == EPIPE ? 0 : errno == 0 ? EIO : errno;
    __fpurge(out);
    clearerr(out);
    return false;
}

/* Shows one page. @return true if there may be more. */
static bool
show_page(struct reading *reading, const json_t *page,
          void (*show)(struct reading *reading, const json_t *record))
{
    FILE *out = reading->file != NULL ? reading->file : stdout;
    const json_t *record;
    size_t i;

    json_array_foreach(json_object_get(page, "records"), i, record)
    {
        if (reading->limit > 0 && reading->seen == reading->limit)
            return false;
        if (reading->json && reading->file == NULL) {
            json_dumpf(record, out, JSON_COMPACT);
            putc('\n', out);
        } else {
            show(reading, record);
        }
        reading->seen++;
    }
    reading->lost = number_of(page, "lost");
    if (!flush(reading, out))
        return false;
    if (json_is_true(json_object_get(page, "ended"))) {
        fprintf(stderr, "millracectl: what was watched is gone\n");
        return false;
    }
    return reading->limit == 0 || reading->seen < reading->limit;
}

static int
read_all(struct reading *reading, void (*show)(struct reading *reading, const json_t *record),
         struct rpc_client_error *error)
{
    bool more = true;

    while (more && !interrupted) {
        json_t *page = NULL;
        const int status =
            call(reading, "read",
                 json_pack("{s:I, s:i}", "id", (json_int_t)reading->id, "wait_ms", WAIT_MS), &page,
                 error);

        if (status != 0)
            return status;
        more = show_page(reading, page, show);
        json_decref(page);
    }
    return 0;
}

/* Interrupts end the watch, not the program; a reader who goes away is seen by the write. */
static void
catch_signals(void)
{
    struct sigaction action = { .sa_handler = on_signal };

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
}

/* Starts a watch; `params` keeps what is sent. */
static int
start(struct reading *reading, json_t *params, json_t **started, struct rpc_client_error *error)
{
    const json_t *count = json_object_get(params, CLI_LOCAL "count");
    int status;

    reading->limit = json_integer_value(count);
    if (count != NULL && reading->limit < 1)
        return cli_refuse(error, "-c", "at least one packet is expected");
    json_object_del(params, CLI_LOCAL "count");
    status = call(reading, "start", json_incref(params), started, error);
    if (status == 0)
        reading->id = number_of(*started, "id");
    return status;
}

/* Stops it and says how much there was. */
static int
stop(struct reading *reading, struct rpc_client_error *error)
{
    json_t *result = NULL;
    int status =
        call(reading, "stop", json_pack("{s:I}", "id", (json_int_t)reading->id), &result, error);

    if (status == 0)
        reading->lost = number_of(result, "lost");
    json_decref(result);
    fprintf(stderr, "%" PRId64 " packets, %" PRId64 " more lost\n", reading->seen, reading->lost);
    return status;
}

/* Where the capture goes to: "-" is standard output. */
static int
open_file(struct reading *reading, json_t *params, struct rpc_client_error *error)
{
    const char *path = json_string_value(json_object_get(params, CLI_LOCAL "file"));

    if (path != NULL) {
        reading->file = strcmp(path, "-") == 0 ? stdout : fopen(path, "wb");
        if (reading->file == NULL)
            return cli_refuse(error, path, "%s", strerror(errno));
    }
    json_object_del(params, CLI_LOCAL "file");
    return 0;
}

/* What the writes have come to. */
static int
close_file(struct reading *reading, int status, struct rpc_client_error *error)
{
    if (reading->file != NULL && reading->file != stdout && fclose(reading->file) != 0)
        reading->failure = errno;
    return status == 0 && reading->failure != 0
               ? cli_refuse(error, reading->file == NULL ? "standard output" : "-w", "%s",
                            strerror(reading->failure))
               : status;
}

int
cli_trace(struct rpc_client *client, json_t *params, bool json, struct rpc_client_error *error)
{
    struct reading reading = { .client = client, .verbs = "trace", .json = json };
    json_t *started;
    int status;

    catch_signals();
    status = start(&reading, params, &started, error);
    if (status != 0)
        return status;
    json_decref(started);
    status = read_all(&reading, show_trace, error);
    if (status == 0)
        status = stop(&reading, error);
    return close_file(&reading, status, error);
}

int
cli_capture(struct rpc_client *client, json_t *params, bool json, struct rpc_client_error *error)
{
    struct reading reading = { .client = client, .verbs = "capture", .json = json };
    const uint32_t snaplen = (uint32_t)number_of(params, "snaplen");
    json_t *started = NULL;
    int status = open_file(&reading, params, error);

    if (status != 0)
        return status;
    catch_signals();
    status = start(&reading, params, &started, error);
    if (status == 0 && reading.file != NULL) {
        const bool ip = strcmp(text_of(started, "link"), "ip") == 0;

        pcapng_begin(reading.file, text_of(started, "interface"), ip ? PCAPNG_IP : PCAPNG_ETHERNET,
                     snaplen);
        (void)flush(&reading, reading.file);
    }
    if (status == 0)
        status = read_all(&reading, show_capture, error);
    if (status == 0)
        status = stop(&reading, error);
    json_decref(started);
    return close_file(&reading, status, error);
}
