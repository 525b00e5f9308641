/* SPDX-License-Identifier: BSD-3-Clause */

/* Reads the generator's plan, and the captures that it names. */

#include "pktgen-scenarios/generator/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#define CAPTURE_MAGIC 0xa1b2c3d4u
#define FRAME_MAX     9216u

/* The whole of a capture in memory; frames stand one after the other in it. */
static const char *
frames_read(struct frames *frames, const char *path)
{
    uint32_t file_header[6], header[4];
    size_t octets = 0, room = 0, slots = 0;
    const char *error = NULL;
    FILE *file = fopen(path, "rb");

    if (file == NULL)
        return "a capture is not there";
    if (fread(file_header, sizeof(file_header), 1, file) != 1 || file_header[0] != CAPTURE_MAGIC)
        error = "not a capture";
    while (error == NULL && fread(header, sizeof(header), 1, file) == 1) {
        const uint32_t length = header[2];

        if (length < sizeof(struct stamp) || length > FRAME_MAX) {
            error = "a frame of the capture is too short or too long";
            break;
        }
        if (octets + length > room) {
            room = 2 * room + FRAME_MAX;
            frames->octets = realloc(frames->octets, room);
        }
        if (frames->count + 2 > slots) {
            slots = 2 * slots + 1024;
            frames->begins = realloc(frames->begins, slots * sizeof(*frames->begins));
        }
        if (frames->octets == NULL || frames->begins == NULL ||
            fread(frames->octets + octets, length, 1, file) != 1) {
            error = "a capture cannot be read";
            break;
        }
        frames->begins[frames->count++] = (uint32_t)octets;
        octets += length;
        frames->begins[frames->count] = (uint32_t)octets;
        if (length > frames->longest)
            frames->longest = length;
    }
    fclose(file);
    return error != NULL ? error : frames->count == 0 ? "a capture is empty" : NULL;
}

static const char *
stream_read(struct stream *stream, json_t *object)
{
    const char *name, *capture;
    int from, to, judged;

    if (json_unpack(object, "{s:s, s:i, s:i, s:s, s:F, s:b}", "name", &name, "from", &from, "to",
                    &to, "frames", &capture, "rate", &stream->rate, "judged", &judged) != 0)
        return "a stream has not all its keys";
    snprintf(stream->name, sizeof(stream->name), "%s", name);
    stream->from = (unsigned)from;
    stream->to = (unsigned)to;
    stream->judged = judged != 0;
    return frames_read(&stream->frames, capture);
}

static const char *
plan_take(struct plan *plan, json_t *object)
{
    json_t *ports, *streams, *member;
    int search;
    size_t i;

    if (json_unpack(object, "{s:o, s:o, s:F, s:F, s:b, s:F}", "ports", &ports, "streams", &streams,
                    "seconds", &plan->seconds, "warm_up", &plan->warm_up, "search", &search,
                    "resolution", &plan->resolution) != 0)
        return "the plan has not all its keys";
    plan->search = search != 0;
    if (json_array_size(ports) == 0 || json_array_size(ports) > PORTS_MAX ||
        json_array_size(streams) == 0 || json_array_size(streams) > STREAMS_MAX)
        return "too few or too many ports or streams";
    json_array_foreach(ports, i, member)
    {
        const char *text = json_string_value(member);

        if (text == NULL || strlen(text) >= sizeof(plan->devices[0]))
            return "a port is a text";
        snprintf(plan->devices[plan->n_ports++], sizeof(plan->devices[0]), "%s", text);
    }
    json_array_foreach(streams, i, member)
    {
        struct stream *stream = &plan->streams[plan->n_streams++];
        const char *error = stream_read(stream, member);

        if (error != NULL)
            return error;
        if (stream->from >= plan->n_ports || stream->to >= plan->n_ports)
            return "a stream is of a port that there is not";
    }
    return NULL;
}

const char *
plan_read(struct plan *plan, const char *path)
{
    json_error_t where;
    json_t *object = json_load_file(path, 0, &where);

    memset(plan, 0, sizeof(*plan));
    if (object == NULL)
        return "the plan is no JSON";
    const char *error = plan_take(plan, object);

    json_decref(object);
    return error;
}

void
plan_free(struct plan *plan)
{
    for (unsigned i = 0; i < plan->n_streams; i++) {
        free(plan->streams[i].frames.octets);
        free(plan->streams[i].frames.begins);
    }
}
