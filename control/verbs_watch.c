/* SPDX-License-Identifier: BSD-3-Clause */

/* trace.start, trace.read, trace.stop, and the same of captures: live traffic, page by page. A
 * filter is compiled on the helper thread, for it may name hosts. */

#include "control/verbs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/control.h"
#include "control/names.h"
#include "control/place.h"
#include "control/trace_json.h"
#include "control/watches.h"
#include "lib/base/clock.h"
#include "lib/base/text.h"

/* One page: no more than is written in a millisecond or two. */
#define PAGE_RECORDS_MAX 100
#define PAGE_OCTETS_MAX  (1u << 17)

#define WAIT_MS_MAX 5000
#define SNAPLEN_MIN 64
#define VERDICT_MAX 160
#define FILTER_MAX  1024

/* A watch that waits for its filter to be compiled. */
struct beginning {
    struct control *control;
    struct rpc_request *request;
    struct watch watch;
    char name[VIF_NAME_MAX];
    char *expression; /* NULL: everything is wanted */
    struct filter filter;
    int error;
    char problem[FILTER_PROBLEM_MAX];
};

/* ---- Starting ---- */

/* What kinds of packets the watch sees: bits of enum watch_link. */
static unsigned
links_of(const struct watch *watch)
{
    const unsigned ethernet = 1u << WATCH_ETHERNET, ip = 1u << WATCH_IP;

    if (watch->kind == WATCH_TRACE)
        return watch->side == WATCH_OUTER ? ethernet : ethernet | ip;
    return watch->side == WATCH_INNER && watch->where != WATCH_VIF ? ip : ethernet;
}

static void
compile(void *argument)
{
    struct beginning *beginning = argument;

    beginning->error = filter_compile(&beginning->filter, beginning->expression,
                                      links_of(&beginning->watch), beginning->problem);
}

/* {"id", "of"}; of a capture also the name of where it captures, and how packets begin there. */
static json_t *
started(const struct beginning *beginning, uint64_t id)
{
    const struct watch *watch = &beginning->watch;
    json_t *result = json_pack("{s:I, s:s}", "id", (json_int_t)id, "of", beginning->name);

    if (watch->kind == WATCH_CAPTURE) {
        json_object_set_new(result, "interface",
                            json_string(watch->side == WATCH_OUTER
                                            ? beginning->control->config->underlay.name
                                            : beginning->name));
        json_object_set_new(result, "link",
                            json_string(links_of(watch) == 1u << WATCH_IP ? "ip" : "ethernet"));
    }
    return result;
}

static void
begin(void *argument)
{
    struct beginning *beginning = argument;
    struct filter *filter = beginning->expression == NULL ? NULL : &beginning->filter;
    uint64_t id;
    int error = beginning->error;

    if (error != 0) {
        rpc_fail(beginning->request, RPC_INVALID_PARAMETER, "filter", "%s", beginning->problem);
    } else {
        error = watches_start(beginning->control->watches, &beginning->watch, beginning->name,
                              filter, &id);
        if (error == 0)
            rpc_reply(beginning->request, started(beginning, id));
        else if (error == -ENOSPC)
            rpc_fail(beginning->request, RPC_BUSY, NULL, "%d watches are under way", WATCHES_MAX);
        else
            rpc_fail(beginning->request, RPC_INTERNAL, NULL, "out of memory");
    }
    if (error != 0)
        filter_free(&beginning->filter);
    free(beginning->expression);
    free(beginning);
}

/* Where to look, and which side is meant if it is not said. @return false: the request failed. */
static bool
look_at(struct rpc_request *request, const json_t *params, struct beginning *beginning)
{
    const char *at = rpc_string(params, "at", "all"), *side = rpc_string(params, "side", NULL);
    struct watch *watch = &beginning->watch;
    char problem[PLACE_PROBLEM_MAX], address[IP_ADDR_TEXT_MAX];
    const unsigned kinds =
        PLACE_VIF | PLACE_ENDPOINT | PLACE_UNDERLAY | (watch->kind == WATCH_TRACE ? PLACE_ALL : 0);
    struct place place;
    const int error = place_find(beginning->control, at, kinds, &place, problem);

    if (error != 0) {
        rpc_fail(request, error == -ENOENT ? RPC_NOT_FOUND : RPC_INVALID_PARAMETER, "at", "%s",
                 problem);
        return false;
    }
    if (place.kind == PLACE_ALL) {
        watch->where = WATCH_ALL;
        snprintf(beginning->name, sizeof(beginning->name), "everything");
    } else if (place.kind == PLACE_VIF) {
        watch->where = WATCH_VIF;
        watch->vif = place.interface->id;
        snprintf(beginning->name, sizeof(beginning->name), "%s", place.interface->config.name);
        if (watch->vif == VIF_NONE) {
            rpc_fail(request, RPC_REFUSED, "at", "the interface is not there yet, or no more");
            return false;
        }
    } else if (place.kind == PLACE_ENDPOINT) {
        watch->where = WATCH_ENDPOINT;
        watch->endpoint = place.endpoint;
        snprintf(beginning->name, sizeof(beginning->name), "%s",
                 ip_addr_format(&place.endpoint, address));
    } else {
        watch->where = WATCH_UNDERLAY;
        snprintf(beginning->name, sizeof(beginning->name), "underlay");
    }
    if (side != NULL && strcmp(side, "inner") != 0 && strcmp(side, "outer") != 0) {
        rpc_fail(request, RPC_INVALID_PARAMETER, "side", "inner or outer is expected, not %s",
                 side);
        return false;
    }
    watch->side = WATCH_INNER;
    if (side != NULL ? strcmp(side, "outer") == 0
                     : watch->kind == WATCH_CAPTURE && watch->where != WATCH_VIF)
        watch->side = WATCH_OUTER;
    return true;
}

static void
start(struct rpc_request *request, const json_t *params, struct control *control,
      enum watch_kind kind)
{
    const char *expression = rpc_string(params, "filter", NULL);
    struct beginning *beginning = calloc(1, sizeof(*beginning));

    if (beginning != NULL) {
        beginning->control = control;
        beginning->request = request;
        beginning->watch.kind = (uint8_t)kind;
        beginning->watch.snaplen =
            kind == WATCH_TRACE ? WATCH_TRACE_OCTETS
                                : (uint32_t)rpc_integer(params, "snaplen", WATCH_SNAPLEN_MAX);
        if (expression != NULL)
            beginning->expression = strdup(expression);
    }
    if (beginning == NULL || (expression != NULL && beginning->expression == NULL)) {
        rpc_fail(request, RPC_INTERNAL, NULL, "out of memory");
    } else if (look_at(request, params, beginning)) {
        if (expression == NULL) {
            begin(beginning);
            return;
        }
        if (helper_submit(control->helper, compile, begin, beginning) == 0)
            return;
        rpc_fail(request, RPC_BUSY, NULL, "too much is waiting to be done");
    }
    if (beginning != NULL)
        free(beginning->expression);
    free(beginning);
}

/* ---- Reading ---- */

static json_t *
trace_to_json(struct control *control, const struct watcher *watcher, struct watch_record *record,
              unsigned worker)
{
    const struct traced traced = {
        .steps = record->steps,
        .n_steps = record->n_steps,
        .more = record->more,
        .frames = watch_record_frames(record),
        .packet = watch_record_packet(record),
        .length = record->length,
        .kept = record->kept,
        .link = record->link,
        .from_fabric = record->vif == VIF_NONE,
        .worker = worker,
    };
    json_t *json = traced_to_json(control, &traced);

    json_object_set_new(json, "time_ns",
                        json_integer((json_int_t)watcher_time(watcher, record->tsc)));
    json_object_set_new(json, "from",
                        json_string(record->vif == VIF_NONE ? name_of_port(control, record->port)
                                                            : name_of_vif(control, record->vif)));
    return json;
}

static json_t *
capture_to_json(struct control *control, const struct watcher *watcher, struct watch_record *record)
{
    char *hex = text_hex(watch_record_packet(record), record->kept);
    char verdict[VERDICT_MAX];
    json_t *json;

    trace_verdict_text(control, record->n_steps == 0 ? NULL : &record->steps[0], verdict,
                       sizeof(verdict));
    json = json_pack("{s:I, s:s, s:s, s:s, s:i, s:s}", "time_ns",
                     (json_int_t)watcher_time(watcher, record->tsc), "link",
                     record->link == WATCH_IP ? "ip" : "ethernet", "direction",
                     record->direction == WATCH_IN ? "in" : "out", "verdict", verdict, "length",
                     (int)record->length, "octets", hex == NULL ? "" : hex);
    free(hex);
    return json;
}

/* {"records", "lost"}, and "ended" if there will be no more. Of what was watched in the name of an
 * interface that is gone nothing is shown: it may be another one's. */
static json_t *
page(struct control *control, struct watcher *watcher, uint32_t limit)
{
    json_t *records = json_array(), *result;
    struct watch_record *record;
    uint32_t octets = 0;
    unsigned ring;

    while (!watcher->ended && json_array_size(records) < limit && octets < PAGE_OCTETS_MAX &&
           (record = watch_oldest(&watcher->watch, &ring)) != NULL) {
        json_array_append_new(records, watcher->watch.kind == WATCH_TRACE
                                           ? trace_to_json(control, watcher, record, ring)
                                           : capture_to_json(control, watcher, record));
        octets += record->kept;
        watcher->read++;
        watch_release(&watcher->watch, ring);
    }
    result = json_pack("{s:o, s:I}", "records", records, "lost",
                       (json_int_t)watch_lost(&watcher->watch));
    if (watcher->ended)
        json_object_set_new(result, "ended", json_true());
    return result;
}

static struct watcher *
find(struct rpc_request *request, const json_t *params, struct control *control,
     enum watch_kind kind)
{
    struct watcher *watcher =
        watches_find(control->watches, (uint64_t)rpc_integer(params, "id", 0), kind);

    if (watcher == NULL)
        rpc_fail(request, RPC_NOT_FOUND, "id", "no such watch; one that is not read for %d s ends",
                 WATCH_SILENCE_MS / 1000);
    return watcher;
}

static void
read_records(struct rpc_request *request, const json_t *params, struct control *control,
             enum watch_kind kind)
{
    struct watcher *watcher = find(request, params, control, kind);
    const uint32_t limit = (uint32_t)rpc_integer(params, "limit", PAGE_RECORDS_MAX);
    const unsigned wait_ms = (unsigned)rpc_integer(params, "wait_ms", 0);
    unsigned ring;

    if (watcher == NULL)
        return;
    watcher->last_ms = clock_monotonic_ms();
    if (watcher->waiting != NULL)
        rpc_fail(request, RPC_BUSY, "id", "somebody else is reading this watch");
    else if (wait_ms == 0 || watcher->ended || watch_oldest(&watcher->watch, &ring) != NULL)
        rpc_reply(request, page(control, watcher, limit));
    else
        watches_wait(control->watches, watcher, request, limit, wait_ms);
}

void
watch_answer(struct control *control, struct watcher *watcher)
{
    struct rpc_request *request = watcher->waiting;

    watcher->waiting = NULL;
    watcher->last_ms = clock_monotonic_ms();
    rpc_reply(request, page(control, watcher, watcher->limit));
}

/* ---- Verbs ---- */

static void
stop(struct rpc_request *request, const json_t *params, struct control *control,
     enum watch_kind kind)
{
    struct watcher *watcher = find(request, params, control, kind);

    if (watcher == NULL)
        return;
    rpc_reply(request, json_pack("{s:I, s:I}", "records", (json_int_t)watcher->read, "lost",
                                 (json_int_t)watch_lost(&watcher->watch)));
    watches_stop(control->watches, watcher);
}

static void
trace_start(struct rpc_request *request, const json_t *params, void *context)
{
    start(request, params, context, WATCH_TRACE);
}

static void
trace_read(struct rpc_request *request, const json_t *params, void *context)
{
    read_records(request, params, context, WATCH_TRACE);
}

static void
trace_stop(struct rpc_request *request, const json_t *params, void *context)
{
    stop(request, params, context, WATCH_TRACE);
}

static void
capture_start(struct rpc_request *request, const json_t *params, void *context)
{
    start(request, params, context, WATCH_CAPTURE);
}

static void
capture_read(struct rpc_request *request, const json_t *params, void *context)
{
    read_records(request, params, context, WATCH_CAPTURE);
}

static void
capture_stop(struct rpc_request *request, const json_t *params, void *context)
{
    stop(request, params, context, WATCH_CAPTURE);
}

int
verbs_watch_add(struct rpc_server *server, struct control *control)
{
    static const struct rpc_parameter trace[] = {
        { "at", RPC_STRING, false, 0, 0 },
        { "side", RPC_STRING, false, 0, 0 },
        { "filter", RPC_STRING, false, 0, FILTER_MAX },
        { NULL, 0, false, 0, 0 },
    };
    static const struct rpc_parameter capture[] = {
        { "at", RPC_STRING, true, 0, 0 },
        { "side", RPC_STRING, false, 0, 0 },
        { "filter", RPC_STRING, false, 0, FILTER_MAX },
        { "snaplen", RPC_INTEGER, false, SNAPLEN_MIN, WATCH_SNAPLEN_MAX },
        { NULL, 0, false, 0, 0 },
    };
    static const struct rpc_parameter reading[] = {
        { "id", RPC_INTEGER, true, 0, 0 },
        { "limit", RPC_INTEGER, false, 1, PAGE_RECORDS_MAX },
        { "wait_ms", RPC_INTEGER, false, 0, WAIT_MS_MAX },
        { NULL, 0, false, 0, 0 },
    };
    static const struct rpc_parameter id[] = {
        { "id", RPC_INTEGER, true, 0, 0 },
        { NULL, 0, false, 0, 0 },
    };
    static const struct rpc_verb verbs[] = {
        { "trace.start", trace, trace_start },     { "trace.read", reading, trace_read },
        { "trace.stop", id, trace_stop },          { "capture.start", capture, capture_start },
        { "capture.read", reading, capture_read }, { "capture.stop", id, capture_stop },
    };

    return rpc_server_add(server, verbs, sizeof(verbs) / sizeof(verbs[0]), control);
}
