/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Writing the RIB's snapshot, slice by slice into memory. The lines:
 *
 *     millrace-rib VERSION UNIX-SECONDS
 *     s NUMBER ADDRESS NAME                     a server; NUMBER is used below
 *     v NAME                                    the lines that follow belong to this VPN
 *     p SERVER AGE STALE PREFERENCE SEQUENCE PREFIX NEXT-HOP,LABEL,ENCAPSULATIONS… ITEM-ID
 *     e PATHS CHECKSUM                          of everything before this line
 *
 * AGE and STALE are milliseconds until the snapshot, STALE is - for a live path. Names and item ids
 * are the last field; octets that would end a line or a field are written as %XX.
 */

#include "control/snapshot.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/rib.h"
#include "control/snapshot_format.h"
#include "lib/base/file.h"

#define SLICE_PREFIXES 500
#define PIECE_MAX      (256 + 3 * RIB_ITEM_ID_MAX) /* of one append() */

struct snapshot {
    struct rib_walk *walk;
    int64_t now;
    uint32_t n_servers;
    const char *servers[RIB_SERVERS_MAX]; /* names, by their numbers in the text */
    const struct rib_vpn *vpn;            /* of the line before */
    uint32_t n_paths;
    uint64_t checksum;
    bool failed;
    bool complete;
    char *text;
    size_t length;
    size_t room;
};

uint64_t
snapshot_checksum(uint64_t sum, const char *text, size_t length)
{
    /* FNV-1a, 64 bits: against damage, not against malice. */
    for (size_t i = 0; i < length; i++)
        sum = (sum ^ (unsigned char)text[i]) * 0x100000001b3u;
    return sum;
}

static void __attribute__((format(printf, 2, 3)))
append(struct snapshot *snapshot, const char *format, ...)
{
    va_list arguments;

    if (snapshot->failed)
        return;
    if (snapshot->room - snapshot->length < PIECE_MAX) {
        size_t room = (snapshot->room + PIECE_MAX) * 2;
        char *larger = realloc(snapshot->text, room);
        if (larger == NULL) {
            snapshot->failed = true;
            return;
        }
        snapshot->text = larger;
        snapshot->room = room;
    }
    va_start(arguments, format);
    int length = vsnprintf(snapshot->text + snapshot->length, PIECE_MAX, format, arguments);
    va_end(arguments);
    snapshot->checksum =
        snapshot_checksum(snapshot->checksum, snapshot->text + snapshot->length, (size_t)length);
    snapshot->length += (size_t)length;
}

/* Writes `text` so that it is one field. */
static void
append_field(struct snapshot *snapshot, const char *text)
{
    char field[3 * RIB_ITEM_ID_MAX + 1];
    size_t used = 0;

    for (; *text != '\0' && used + 3 < sizeof(field); text++) {
        unsigned char octet = (unsigned char)*text;
        if (octet <= ' ' || octet == '%' || octet == 0x7f)
            used += (size_t)sprintf(field + used, "%%%02X", octet);
        else
            field[used++] = *text;
    }
    field[used] = '\0';
    append(snapshot, "%s", field);
}

static uint32_t
server_number(const struct snapshot *snapshot, const char *name)
{
    uint32_t number = 0;

    while (number < snapshot->n_servers && strcmp(snapshot->servers[number], name) != 0)
        number++;
    return number;
}

static void
append_path(void *user, const struct rib_vpn *vpn, const struct rib_path_view *view)
{
    struct snapshot *snapshot = user;
    char text[IP_PREFIX_TEXT_MAX];

    if (vpn != snapshot->vpn)
        append(snapshot, "v %s\n", rib_vpn_name(vpn));
    snapshot->vpn = vpn;
    append(snapshot, "p %" PRIu32 " %" PRId64, server_number(snapshot, view->server),
           snapshot->now - view->received > 0 ? snapshot->now - view->received : 0);
    if (view->stale_since == RIB_NEVER)
        append(snapshot, " -");
    else
        append(snapshot, " %" PRId64,
               snapshot->now - view->stale_since > 0 ? snapshot->now - view->stale_since : 0);
    append(snapshot, " %" PRIu32 " %" PRIu32 " %s ", view->route.local_preference,
           view->route.sequence_number, ip_prefix_format(view->prefix, text));
    for (unsigned i = 0; i < view->route.n_next_hops; i++) {
        const struct route_next_hop *hop = &view->route.next_hops[i];
        append(snapshot, "%s%s,%" PRIu32 ",%u", i > 0 ? "," : "", ip_addr_format(&hop->addr, text),
               hop->label, hop->encapsulations);
    }
    append(snapshot, " ");
    append_field(snapshot, view->item_id);
    append(snapshot, "\n");
    snapshot->n_paths++;
}

struct snapshot *
snapshot_begin(struct rib *rib, int64_t now, uint64_t unix_seconds)
{
    struct snapshot *snapshot = calloc(1, sizeof(*snapshot));
    char address[IP_ADDR_TEXT_MAX];

    if (snapshot == NULL)
        return NULL;
    snapshot->walk = rib_walk_begin(rib);
    if (snapshot->walk == NULL) {
        free(snapshot);
        return NULL;
    }
    snapshot->now = now;
    snapshot->checksum = SNAPSHOT_CHECKSUM_START;
    append(snapshot, SNAPSHOT_MAGIC " %u %" PRIu64 "\n", SNAPSHOT_VERSION, unix_seconds);
    for (const struct rib_server *server; (server = rib_server_at(rib, snapshot->n_servers));) {
        snapshot->servers[snapshot->n_servers] = rib_server_name(server);
        append(snapshot, "s %" PRIu32 " %s ", snapshot->n_servers,
               ip_addr_format(rib_server_address(server), address));
        append_field(snapshot, rib_server_name(server));
        append(snapshot, "\n");
        snapshot->n_servers++;
    }
    return snapshot;
}

int
snapshot_step(struct snapshot *snapshot)
{
    if (!snapshot->complete &&
        rib_walk_step(snapshot->walk, SLICE_PREFIXES, append_path, snapshot) && !snapshot->failed)
        return 1;
    if (!snapshot->complete)
        append(snapshot, "e %" PRIu32 " %016" PRIx64 "\n", snapshot->n_paths, snapshot->checksum);
    snapshot->complete = true;
    return snapshot->failed ? -ENOMEM : 0;
}

char *
snapshot_take(struct snapshot *snapshot, size_t *length)
{
    char *text = snapshot->text;

    *length = snapshot->length;
    snapshot->text = NULL;
    snapshot_cancel(snapshot);
    return text;
}

void
snapshot_cancel(struct snapshot *snapshot)
{
    if (snapshot == NULL)
        return;
    rib_walk_end(snapshot->walk);
    free(snapshot->text);
    free(snapshot);
}

int
snapshot_save(struct rib *rib, const char *path, int64_t now, uint64_t unix_seconds)
{
    struct snapshot *snapshot = snapshot_begin(rib, now, unix_seconds);
    int error;

    if (snapshot == NULL)
        return -ENOMEM;
    while ((error = snapshot_step(snapshot)) > 0)
        ;
    if (error == 0)
        error = file_write_atomic(path, snapshot->text, snapshot->length);
    snapshot_cancel(snapshot);
    return error;
}
