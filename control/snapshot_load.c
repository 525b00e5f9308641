/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Reading the RIB's snapshot (the format is described in snapshot.c). The checksum is verified
 * before the first path is restored; after that a line that makes no sense is only skipped.
 */

#define LOG_AREA "snapshot"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/rib.h"
#include "control/snapshot.h"
#include "control/snapshot_format.h"
#include "lib/base/file.h"
#include "lib/base/log.h"
#include "lib/base/text.h"

#define AGE_MAX_MS (INT64_MAX / 4) /* sums of two stay in range */

struct reader {
    struct rib *rib;
    int64_t saved_at; /* when the snapshot was made, on the RIB's clock; may lie before 0 */
    int64_t now;
    struct rib_server *servers[RIB_SERVERS_MAX];
    struct rib_vpn *vpn;
    struct snapshot_outcome *outcome;
};

/* Cuts the next field off a line. NULL if there is none. */
static char *
next_field(char **line)
{
    return *line == NULL ? NULL : strsep(line, " ");
}

static bool
next_u32(char **line, uint32_t max, uint32_t *value)
{
    const char *field = next_field(line);

    return field != NULL && text_parse_u32(field, max, value) == 0;
}

static bool
next_age(char **line, int64_t *age)
{
    const char *field = next_field(line);
    uint64_t value;

    if (field == NULL || text_parse_u64(field, AGE_MAX_MS, &value) != 0)
        return false;
    *age = (int64_t)value;
    return true;
}

static int
hexadecimal(char digit)
{
    const char *digits = "0123456789ABCDEF", *found = strchr(digits, digit);

    return digit == '\0' || found == NULL ? -1 : (int)(found - digits);
}

/* Undoes %XX in place. False if that is not what it is. */
static bool
decode_field(char *field)
{
    char *out = field;

    if (field == NULL)
        return false;
    for (; *field != '\0'; field++) {
        if (*field != '%') {
            *out++ = *field;
            continue;
        }
        int high = hexadecimal(field[1]), low = high < 0 ? -1 : hexadecimal(field[2]);
        if (low < 0 || (high == 0 && low == 0))
            return false;
        *out++ = (char)(high << 4 | low);
        field += 2;
    }
    *out = '\0';
    return true;
}

static bool
read_next_hops(char *field, struct route *route)
{
    const char *address, *label, *encapsulations;
    uint32_t bits;

    route->n_next_hops = 0;
    while (field != NULL) {
        struct route_next_hop *hop = &route->next_hops[route->n_next_hops];
        address = strsep(&field, ",");
        label = field == NULL ? "" : strsep(&field, ",");
        encapsulations = field == NULL ? "" : strsep(&field, ",");
        if (route->n_next_hops == ROUTE_NEXT_HOPS_MAX || ip_addr_parse(address, &hop->addr) != 0 ||
            text_parse_u32(label, LABEL_MAX, &hop->label) != 0 || hop->label < LABEL_MIN ||
            text_parse_u32(encapsulations, ENCAP_GRE | ENCAP_UDP | ENCAP_VXLAN, &bits) != 0 ||
            bits == 0)
            return false;
        hop->encapsulations = (uint8_t)bits;
        route->n_next_hops++;
    }
    return route->n_next_hops > 0;
}

/* p SERVER AGE STALE PREFERENCE SEQUENCE PREFIX NEXT-HOPS ITEM-ID */
static bool
read_path(struct reader *reader, char *line)
{
    uint32_t server;
    int64_t age, stale_since = reader->now;
    struct route route;
    const char *prefix;
    char *next_hops;

    if (!next_u32(&line, RIB_SERVERS_MAX - 1, &server) || reader->servers[server] == NULL ||
        reader->vpn == NULL || !next_age(&line, &age) || line == NULL)
        return false;
    if (strncmp(line, "- ", 2) == 0) {
        line += 2;
    } else {
        int64_t stale;
        if (!next_age(&line, &stale))
            return false;
        stale_since = reader->saved_at - stale;
    }
    if (!next_u32(&line, UINT32_MAX, &route.local_preference) ||
        !next_u32(&line, UINT32_MAX, &route.sequence_number) ||
        (prefix = next_field(&line)) == NULL || ip_prefix_parse(prefix, &route.prefix) != 0 ||
        (next_hops = next_field(&line)) == NULL || !read_next_hops(next_hops, &route) ||
        !decode_field(line))
        return false;
    return rib_restore(reader->rib, reader->vpn, reader->servers[server], line, &route,
                       reader->saved_at - age, stale_since) == 0;
}

/* s NUMBER ADDRESS NAME */
static bool
read_server(struct reader *reader, char *line)
{
    uint32_t number;
    struct ip_addr address;
    const char *field;

    if (!next_u32(&line, RIB_SERVERS_MAX - 1, &number) || (field = next_field(&line)) == NULL ||
        ip_addr_parse(field, &address) != 0 || !decode_field(line))
        return false;
    reader->servers[number] = rib_server_find(reader->rib, line);
    if (reader->servers[number] == NULL)
        reader->servers[number] = rib_server_add(reader->rib, line, &address);
    return reader->servers[number] != NULL;
}

static void
read_line(struct reader *reader, char *line)
{
    if (strncmp(line, "v ", 2) == 0) {
        reader->vpn = rib_vpn_find(reader->rib, line + 2);
    } else if (strncmp(line, "s ", 2) == 0) {
        if (!read_server(reader, line + 2))
            log_warning("a server of the snapshot cannot be used");
    } else if (strncmp(line, "p ", 2) == 0) {
        if (read_path(reader, line + 2))
            reader->outcome->restored++;
        else
            reader->outcome->skipped++;
    }
}

/* The last line of a text that is whole: NULL, or where it begins. */
static const char *
find_end(const char *text, size_t length, const char **why)
{
    const char *end;
    uint64_t sum;
    uint32_t paths;
    char expected[64];

    *why = "it is cut off";
    if (length < 2 || text[length - 1] != '\n')
        return NULL;
    end = memrchr(text, '\n', length - 1);
    if (end == NULL || sscanf(end, "\ne %" SCNu32 " %" SCNx64, &paths, &sum) != 2)
        return NULL;
    end++;
    *why = "its checksum is wrong";
    snprintf(expected, sizeof(expected), "e %" PRIu32 " %016" PRIx64 "\n", paths,
             snapshot_checksum(SNAPSHOT_CHECKSUM_START, text, (size_t)(end - text)));
    if (strlen(expected) != length - (size_t)(end - text) ||
        memcmp(expected, end, strlen(expected)) != 0)
        return NULL;
    return end;
}

/* The first line. */
static bool
read_header(char *line, uint64_t *unix_seconds)
{
    char *magic = next_field(&line);
    uint32_t version;

    return strcmp(magic, SNAPSHOT_MAGIC) == 0 && next_u32(&line, UINT32_MAX, &version) &&
           version == SNAPSHOT_VERSION && line != NULL &&
           text_parse_u64(line, AGE_MAX_MS / 1000, unix_seconds) == 0;
}

int
snapshot_restore(struct rib *rib, const char *text, size_t length, int64_t now,
                 uint64_t unix_seconds, struct snapshot_outcome *outcome)
{
    struct reader reader = { .rib = rib, .now = now, .outcome = outcome };
    uint64_t saved_unix;
    int error = 0;

    *outcome = (struct snapshot_outcome){ .restored = 0 };
    const char *end = find_end(text, length, &outcome->why);
    if (end == NULL)
        return -EBADMSG;
    char *copy = strndup(text, (size_t)(end - text)), *lines = copy;
    if (copy == NULL)
        return -ENOMEM;
    if (!read_header(strsep(&lines, "\n"), &saved_unix)) {
        outcome->why = "it is of another version";
        error = -EBADMSG;
        goto out;
    }
    /* A clock that was set back makes no path younger than the snapshot. */
    reader.saved_at = now;
    if (unix_seconds > saved_unix && unix_seconds < AGE_MAX_MS / 1000)
        reader.saved_at -= (int64_t)(unix_seconds - saved_unix) * 1000;
    while (lines != NULL)
        read_line(&reader, strsep(&lines, "\n"));

out:
    free(copy);
    return error;
}

int
snapshot_load(struct rib *rib, const char *path, int64_t now, uint64_t unix_seconds,
              struct snapshot_outcome *outcome)
{
    char *text;
    size_t length;
    int error = file_read(path, SNAPSHOT_OCTETS_MAX, &text, &length);

    *outcome = (struct snapshot_outcome){ .restored = 0 };
    if (error == -ENOENT)
        return 0;
    if (error == 0) {
        error = snapshot_restore(rib, text, length, now, unix_seconds, outcome);
        free(text);
    }
    if (error < 0 && error != -ENOMEM) {
        log_warning("%s cannot be used (%s): set aside as %s.corrupt", path,
                    error == -EBADMSG ? outcome->why : strerror(-error), path);
        file_set_aside(path);
    }
    return error;
}
