/* SPDX-License-Identifier: BSD-3-Clause */

/* Explaining and watching in the packet lab. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/filter.h"
#include "tests/packet/packet_lab.h"

static struct watch_set set;
static struct watch watches[WATCHES_MAX];
static struct filter filters[WATCHES_MAX];

/* What explaining says about one packet, {"port", "frame"} or {"vrf", "packet"}. */
static json_t *
explain_one(const struct scenario *scenario, json_t *object, struct trace *trace)
{
    static uint8_t octets[16384];
    const char *port = json_string_value(json_object_get(object, "port"));
    struct packet_note note = { .task = port != NULL ? TASK_RECEIVE : TASK_ROUTE, .vif = VIF_NONE };
    const char *hex = json_string_value(json_object_get(object, port != NULL ? "frame" : "packet"));
    json_t *sent = json_array(), *drops = json_array(), *punts = json_array();
    json_t *steps = json_array();
    size_t length = 0;
    unsigned octet;

    note.port = (uint16_t)number_in(&scenario->port_names, port);
    note.vrf = number_in(&scenario->vrfs, json_string_value(json_object_get(object, "vrf")));
    while (length < sizeof(octets) && sscanf(hex + 2 * length, "%2x", &octet) == 1)
        octets[length++] = (uint8_t)octet;
    if (fastpath_explain(scenario->fastpath, &note, octets, length, trace) != 0)
        abort();
    for (unsigned i = 0; i < trace->n_steps; i++) {
        const struct trace_step *step = &trace->steps[i];

        json_array_append_new(steps, json_pack("[i, I, I]", step->kind, (json_int_t)step->number,
                                               (json_int_t)step->path));
        if (step->kind == TRACE_SEND)
            json_array_append_new(sent,
                                  json_pack("[s, o]", name_of(&scenario->port_names, step->port),
                                            hex_json(trace->octets + step->at, step->kept)));
        else if (step->kind == TRACE_DROP)
            json_array_append_new(drops, json_string(drop_name(step->reason)));
        else if (step->kind == TRACE_PUNT)
            json_array_append_new(punts, json_string(punt_name(step->reason)));
    }
    return json_pack("{s:o, s:o, s:o, s:o, s:b}", "sent", sent, "drops", drops, "punts", punts,
                     "steps", steps, "more", trace->more);
}

json_t *
explained_json(const struct scenario *scenario, json_t *list)
{
    static uint8_t octets[65536];
    struct trace trace = { .keep = UINT32_MAX, .room = sizeof(octets), .octets = octets };
    json_t *explained = json_array(), *each;
    size_t i;

    json_array_foreach(list, i, each)
    {
        json_array_append_new(explained, explain_one(scenario, each, &trace));
    }
    return explained;
}

static const char *
watch_begin(const struct scenario *scenario, json_t *object, struct watch *watch,
            struct filter *filter)
{
    static char problem[FILTER_PROBLEM_MAX];
    const char *kind, *where, *side, *expression, *vif = NULL, *endpoint = NULL;
    int snaplen = WATCH_SNAPLEN_MAX;

    expression = NULL;
    if (json_unpack(object, "{s:s, s:s, s:s, s?s, s?s, s?s, s?i}", "kind", &kind, "where", &where,
                    "side", &side, "filter", &expression, "vif", &vif, "endpoint", &endpoint,
                    "snaplen", &snaplen) != 0)
        return "watch: something is missing";
    *watch = (struct watch){
        .kind = strcmp(kind, "trace") == 0 ? WATCH_TRACE : WATCH_CAPTURE,
        .where = strcmp(where, "vif") == 0        ? WATCH_VIF
                 : strcmp(where, "endpoint") == 0 ? WATCH_ENDPOINT
                 : strcmp(where, "underlay") == 0 ? WATCH_UNDERLAY
                                                  : WATCH_ALL,
        .side = strcmp(side, "outer") == 0 ? WATCH_OUTER : WATCH_INNER,
        .vif = vif == NULL ? VIF_NONE : number_in(&scenario->vifs, vif),
        .snaplen = (uint32_t)snaplen,
    };
    if (endpoint != NULL && ip_addr_parse(endpoint, &watch->endpoint) != 0)
        return "watch: endpoint";
    if (expression != NULL && filter_compile(filter, expression, 3, problem) != 0)
        return problem;
    for (unsigned link = 0; expression != NULL && link < WATCH_LINKS; link++) {
        watch->filters[link].program = filter->programs[link].bf_insns;
        watch->filters[link].never = !filter->compiled[link];
    }
    return watch_rings_create(watch, scenario->n_workers) == 0 ? NULL : "watch: no memory";
}

const char *
watches_begin(struct scenario *scenario, json_t *list)
{
    const char *error = NULL;
    json_t *each;
    size_t i;

    set = (struct watch_set){ .keep = WATCH_TRACE_OCTETS };
    memset(filters, 0, sizeof(filters));
    json_array_foreach(list, i, each)
    {
        if (error == NULL)
            error = watch_begin(scenario, each, &watches[i], &filters[i]);
        if (watches[i].kind == WATCH_CAPTURE && watches[i].snaplen > set.keep)
            set.keep = watches[i].snaplen;
        set.watches[set.n++] = &watches[i];
    }
    atomic_store(&scenario->board.set, set.n > 0 ? &set : NULL);
    return error;
}

/* [what, port or reason, account's kind and name] of a step that ends something. */
static json_t *
step_json(const struct scenario *scenario, const struct trace_step *step)
{
    const uint32_t number = packet_account_number(step->number);

    switch (step->kind) {
    case TRACE_SEND:
        return json_pack("[s, s, s]", "send", name_of(&scenario->port_names, step->port),
                         packet_account_is_vif(step->number)
                             ? name_of(&scenario->vifs, number)
                             : name_of(&scenario->endpoints, number));
    case TRACE_PUNT:
        return json_pack("[s, s]", "punt", punt_name(step->reason));
    case TRACE_DROP:
        return json_pack("[s, s]", "drop", drop_name(step->reason));
    default:
        return json_pack("[i]", step->kind);
    }
}

static json_t *
record_json(const struct scenario *scenario, struct watch_record *record)
{
    json_t *steps = json_array(), *frames = json_array();

    for (unsigned i = 0; i < record->n_steps; i++) {
        const struct trace_step *step = &record->steps[i];

        json_array_append_new(steps, step_json(scenario, step));
        if (record->frames > 0 && step->kept > 0)
            json_array_append_new(frames,
                                  hex_json(watch_record_frames(record) + step->at, step->kept));
    }
    return json_pack("{s:s, s:s, s:s, s:i, s:o, s:o, s:o}", "direction",
                     record->direction == WATCH_IN ? "in" : "out", "link",
                     record->link == WATCH_IP ? "ip" : "ethernet", "vif",
                     name_of(&scenario->vifs, record->vif), "length", (int)record->length, "octets",
                     hex_json(watch_record_packet(record), record->kept), "steps", steps, "frames",
                     frames);
}

json_t *
watches_end(struct scenario *scenario)
{
    json_t *all = json_array();

    atomic_store(&scenario->board.set, NULL);
    for (unsigned i = 0; i < set.n; i++) {
        json_t *records = json_array();
        struct watch_record *record;
        unsigned ring;

        while ((record = watch_oldest(&watches[i], &ring)) != NULL) {
            json_array_append_new(records, record_json(scenario, record));
            watch_release(&watches[i], ring);
        }
        json_array_append_new(all,
                              json_pack("{s:I, s:o}", "lost", (json_int_t)watch_lost(&watches[i]),
                                        "records", records));
        watch_rings_destroy(&watches[i]);
        filter_free(&filters[i]);
    }
    set.n = 0;
    return all;
}
