/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Labels of our own: given to owners by name ("vif:vm1", "vpn:red"), the same again after a
 * restart, and not given to anybody else for five minutes after they were released: somebody may
 * still send with them (C8).
 */

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#define LABEL_QUARANTINE_SECONDS 300

/* Their file in the state directory. */
#define LABELS_STATE         "labels"
#define LABELS_STATE_VERSION 1

struct labels;

/** @return NULL without memory. Control thread, as everything here. */
struct labels *labels_create(void);
void labels_destroy(struct labels *labels);

/**
 * Gives `owner` a label: the one it has, or had (also if that rests in quarantine), else the next
 * free one in ascending order.
 * @param wanted a label to have and no other, or 0
 * @param now seconds since 1970
 * @return 0, -EBUSY (`wanted` is somebody else's, or rests), -ERANGE (`wanted` is no usable label),
 * -ENOSPC or -ENOMEM.
 */
int labels_take(struct labels *labels, const char *owner, uint32_t wanted, uint64_t now,
                uint32_t *label);

/** Gives the owner's label back: it rests for LABEL_QUARANTINE_SECONDS. */
void labels_release(struct labels *labels, const char *owner, uint64_t now);

/** The owner in use of a label, or NULL. Borrowed, until it is released. */
const char *labels_owner(const struct labels *labels, uint32_t label);

/** Calls `visit` for each label in use, in ascending order, from `first` on, until it returns
 * false. */
void labels_visit(const struct labels *labels, uint32_t first,
                  bool (*visit)(void *context, uint32_t label, const char *owner), void *context);

/** For the state directory: everything, and everything back (into an empty set).
 * After labels_from_json() every label counts as resting until its owner takes it; those that are
 * not taken can be used again after the quarantine.
 * @return 0, -EINVAL (makes no sense; the set is empty then) or -ENOMEM. */
json_t *labels_to_json(void *labels);
int labels_from_json(struct labels *labels, const json_t *content, uint64_t now);
