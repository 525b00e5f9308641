/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Every label that has, or lately had, an owner is an entry, found by owner and by number. Fresh
 * labels are given in ascending order from the lowest one that was never used since the start; when
 * the space is used up, from those whose rest is over.
 */

#include "control/labels.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/hmap.h"
#include "lib/xmpp/route.h"

#define OWNER_MAX 256

struct entry {
    struct hmap_node by_owner;
    uint32_t label;
    uint64_t released; /* seconds since 1970; 0 while in use */
    char owner[];
};

struct labels {
    struct hmap by_owner;
    struct entry **by_label; /* LABEL_MAX + 1 of them; memory comes with first use */
    uint32_t next;           /* where the search for a free one begins */
    uint64_t latest;         /* the last time that was told, seconds since 1970 */
    unsigned in_use;
};

struct labels *
labels_create(void)
{
    struct labels *labels = calloc(1, sizeof(*labels));

    if (labels == NULL)
        return NULL;
    labels->by_label = calloc(LABEL_MAX + 1, sizeof(struct entry *));
    if (labels->by_label == NULL) {
        free(labels);
        return NULL;
    }
    labels->next = LABEL_MIN;
    return labels;
}

static void
labels_clear(struct labels *labels)
{
    struct hmap_node *node = hmap_first(&labels->by_owner);

    while (node != NULL) {
        struct entry *entry = hmap_entry(node, struct entry, by_owner);
        node = hmap_next(&labels->by_owner, node);
        labels->by_label[entry->label] = NULL;
        free(entry);
    }
    hmap_clear(&labels->by_owner);
    labels->in_use = 0;
    labels->next = LABEL_MIN;
}

void
labels_destroy(struct labels *labels)
{
    if (labels == NULL)
        return;
    labels_clear(labels);
    free(labels->by_label);
    free(labels);
}

static struct entry *
entry_find(const struct labels *labels, const char *owner)
{
    struct hmap_node *node = hmap_first_same(&labels->by_owner, hmap_hash_string(owner));

    for (; node != NULL; node = hmap_next_same(node)) {
        struct entry *entry = hmap_entry(node, struct entry, by_owner);
        if (strcmp(entry->owner, owner) == 0)
            return entry;
    }
    return NULL;
}

static struct entry *
entry_add(struct labels *labels, const char *owner, uint32_t label, uint64_t released)
{
    size_t length = strlen(owner) + 1;
    struct entry *entry = malloc(sizeof(*entry) + length);

    if (entry == NULL)
        return NULL;
    entry->label = label;
    entry->released = released;
    memcpy(entry->owner, owner, length);
    if (hmap_add(&labels->by_owner, &entry->by_owner, hmap_hash_string(owner)) < 0) {
        free(entry);
        return NULL;
    }
    labels->by_label[label] = entry;
    return entry;
}

static void
entry_remove(struct labels *labels, struct entry *entry)
{
    hmap_remove(&labels->by_owner, &entry->by_owner);
    labels->by_label[entry->label] = NULL;
    free(entry);
}

/* The label goes on resting without its owner, who gets another one. */
static int
entry_disown(struct labels *labels, struct entry *entry)
{
    char nobody[sizeof("nobody:") + 10];

    snprintf(nobody, sizeof(nobody), "nobody:%u", entry->label);
    if (entry_add(labels, nobody, entry->label, entry->released) == NULL)
        return -ENOMEM;
    hmap_remove(&labels->by_owner, &entry->by_owner);
    free(entry);
    return 0;
}

/* True if a label can be given to anybody. A clock that was set back makes nobody wait for ever. */
static bool
label_is_free(const struct labels *labels, uint32_t label, uint64_t now)
{
    const struct entry *entry = labels->by_label[label];

    if (entry == NULL)
        return true;
    return entry->released != 0 &&
           (now >= entry->released + LABEL_QUARANTINE_SECONDS || now < entry->released);
}

static int
label_choose(struct labels *labels, uint32_t wanted, uint64_t now, uint32_t *label)
{
    if (wanted != 0) {
        *label = wanted;
        return label_is_free(labels, wanted, now) ? 0 : -EBUSY;
    }
    for (uint32_t n = LABEL_MAX - LABEL_MIN + 1; n > 0; n--) {
        uint32_t candidate = labels->next;
        labels->next = candidate == LABEL_MAX ? LABEL_MIN : candidate + 1;
        if (label_is_free(labels, candidate, now)) {
            *label = candidate;
            return 0;
        }
    }
    return -ENOSPC;
}

int
labels_take(struct labels *labels, const char *owner, uint32_t wanted, uint64_t now,
            uint32_t *label)
{
    struct entry *own = entry_find(labels, owner);
    uint32_t chosen;
    int status;

    labels->latest = now;
    if (wanted != 0 && (wanted < LABEL_MIN || wanted > LABEL_MAX))
        return -ERANGE;
    if (own != NULL && (wanted == 0 || wanted == own->label)) {
        labels->in_use += own->released != 0;
        own->released = 0;
        *label = own->label;
        return 0;
    }
    if (own != NULL && own->released == 0)
        return -EBUSY; /* it has another one: that is to be released first */
    status = label_choose(labels, wanted, now, &chosen);
    if (status < 0)
        return status;
    if (own != NULL && entry_disown(labels, own) < 0)
        return -ENOMEM;
    if (labels->by_label[chosen] != NULL)
        entry_remove(labels, labels->by_label[chosen]);
    if (entry_add(labels, owner, chosen, 0) == NULL)
        return -ENOMEM;
    labels->in_use++;
    *label = chosen;
    return 0;
}

void
labels_release(struct labels *labels, const char *owner, uint64_t now)
{
    struct entry *entry = entry_find(labels, owner);

    labels->latest = now;
    if (entry == NULL || entry->released != 0)
        return;
    entry->released = now == 0 ? 1 : now;
    labels->in_use--;
}

const char *
labels_owner(const struct labels *labels, uint32_t label)
{
    const struct entry *entry = label > LABEL_MAX ? NULL : labels->by_label[label];

    return entry == NULL || entry->released != 0 ? NULL : entry->owner;
}

void
labels_visit(const struct labels *labels, uint32_t first,
             bool (*visit)(void *context, uint32_t label, const char *owner), void *context)
{
    unsigned left = labels->in_use;

    for (uint32_t label = LABEL_MIN; label <= LABEL_MAX && left > 0; label++) {
        const char *owner = labels_owner(labels, label);
        if (owner == NULL)
            continue;
        left--;
        if (label >= first && !visit(context, label, owner))
            return;
    }
}

json_t *
labels_to_json(void *context)
{
    const struct labels *labels = context;
    json_t *content = json_object();
    struct hmap_node *node = hmap_first(&labels->by_owner);

    for (; node != NULL; node = hmap_next(&labels->by_owner, node)) {
        const struct entry *entry = hmap_entry(node, struct entry, by_owner);
        if (entry->released != 0 && entry->released + LABEL_QUARANTINE_SECONDS <= labels->latest)
            continue; /* as good as never used */
        json_t *item = json_pack("{s:I, s:I}", "label", (json_int_t)entry->label, "released",
                                 (json_int_t)entry->released);
        if (json_object_set_new(content, entry->owner, item) < 0) {
            json_decref(content);
            return NULL;
        }
    }
    return content;
}

static int
entry_from_json(struct labels *labels, const char *owner, json_t *item, uint64_t now)
{
    json_int_t label, released;

    if (json_unpack(item, "{s:I, s:I}", "label", &label, "released", &released) < 0 ||
        label < (json_int_t)LABEL_MIN || label > (json_int_t)LABEL_MAX || released < 0 ||
        strlen(owner) > OWNER_MAX || labels->by_label[label] != NULL)
        return -EINVAL;
    if (released != 0 && (uint64_t)released + LABEL_QUARANTINE_SECONDS <= now)
        return 0;
    /* in use when the last process ended: it rests until its owner comes, from now on */
    return entry_add(labels, owner, (uint32_t)label, released == 0 ? now : (uint64_t)released) ==
                   NULL
               ? -ENOMEM
               : 0;
}

int
labels_from_json(struct labels *labels, const json_t *content, uint64_t now)
{
    json_t *all = (json_t *)(uintptr_t)content; /* jansson iterates over what it may change */
    const char *owner;
    json_t *item;
    int status = json_is_object(all) ? 0 : -EINVAL;

    json_object_foreach(all, owner, item)
    {
        if (status == 0)
            status = entry_from_json(labels, owner, item, now);
    }
    if (status < 0)
        labels_clear(labels);
    return status;
}
