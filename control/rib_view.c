/* SPDX-License-Identifier: BSD-3-Clause */

/* What the RIB shows to people: every path of a prefix with the reason why it is used or not. */

#include <errno.h>
#include <string.h>

#include "control/rib_internal.h"

void
rib_path_view(const struct rib_path *path, struct rib_path_view *view)
{
    view->prefix = &path->prefix->prefix;
    view->server = rib_path_server(path)->name;
    view->item_id = path->item_id;
    view->route.prefix = path->prefix->prefix;
    view->route.local_preference = path->local_preference;
    view->route.sequence_number = path->sequence_number;
    view->route.n_next_hops = path->n_next_hops;
    memcpy(view->route.next_hops, rib_path_next_hops(path),
           path->n_next_hops * sizeof(view->route.next_hops[0]));
    view->received = path->received;
    view->stale_since = path->session->lost_at;
    view->chosen = false;
    view->why[0] = '\0';
}

/* The best path of a prefix other than `except`, whether it is acceptable or not. */
static const struct rib_path *
best_of(const struct rib *rib, const struct rib_vpn *vpn, const struct rib_prefix *prefix,
        const struct rib_path *except, struct selection_candidate *best)
{
    const struct rib_path *chosen = NULL;
    enum selection_rule rule;
    uint16_t usable;

    for (const struct rib_path *path = prefix->paths; path != NULL; path = path->next) {
        if (path == except)
            continue;
        struct selection_candidate candidate = rib_path_candidate(rib, vpn, path, &usable);
        if (chosen == NULL || selection_compare(&candidate, best, &rule) < 0) {
            chosen = path;
            *best = candidate;
        }
    }
    return chosen;
}

/* Shows the best path, with the rule by which it beat the runner-up. */
static bool
show_best(const struct rib *rib, const struct rib_vpn *vpn, const struct rib_prefix *prefix,
          const struct rib_path *path, const struct selection_candidate *best, rib_view_fn *show,
          void *user)
{
    struct rib_path_view view;
    struct selection_candidate second;
    enum selection_rule rule = SELECTION_ONLY;

    rib_path_view(path, &view);
    view.chosen = best->acceptable;
    if (!best->acceptable)
        rule = SELECTION_ACCEPTABLE;
    else if (best_of(rib, vpn, prefix, path, &second) != NULL)
        selection_compare(best, &second, &rule);
    selection_explain(rule, view.chosen, best, view.why, sizeof(view.why));
    return show(user, &view);
}

static bool
show_prefix(const struct rib *rib, const struct rib_vpn *vpn, const struct rib_prefix *prefix,
            rib_view_fn *show, void *user)
{
    struct selection_candidate best, candidate;
    const struct rib_path *chosen = best_of(rib, vpn, prefix, NULL, &best);
    enum selection_rule rule;
    uint16_t usable;

    if (!show_best(rib, vpn, prefix, chosen, &best, show, user))
        return false;
    for (const struct rib_path *path = prefix->paths; path != NULL; path = path->next) {
        struct rib_path_view view;
        if (path == chosen)
            continue;
        candidate = rib_path_candidate(rib, vpn, path, &usable);
        selection_compare(&best, &candidate, &rule);
        if (!candidate.acceptable)
            rule = SELECTION_ACCEPTABLE;
        rib_path_view(path, &view);
        selection_explain(rule, false, &candidate, view.why, sizeof(view.why));
        if (!show(user, &view))
            return false;
    }
    return true;
}

int
rib_show(const struct rib *rib, const struct rib_vpn *vpn, const struct ip_prefix *key,
         rib_view_fn *view, void *user)
{
    const struct rib_prefix *prefix = rib_prefix_find(vpn, key);

    if (prefix == NULL)
        return -ENOENT;
    show_prefix(rib, vpn, prefix, view, user);
    return 0;
}

int
rib_list(const struct rib *rib, const struct rib_vpn *vpn, const struct ip_prefix *after,
         uint32_t prefixes, rib_view_fn *view, void *user)
{
    const struct rib_prefix *prefix = TAILQ_FIRST(&vpn->order);
    int shown = 0;

    if (after != NULL) {
        prefix = rib_prefix_find(vpn, after);
        if (prefix == NULL)
            return -ENOENT;
        prefix = TAILQ_NEXT(prefix, link);
    }
    for (; prefix != NULL && (uint32_t)shown < prefixes; prefix = TAILQ_NEXT(prefix, link)) {
        shown++;
        if (!show_prefix(rib, vpn, prefix, view, user))
            break;
    }
    return shown;
}

void
rib_server_counts(const struct rib_server *server, struct rib_server_counts *counts)
{
    counts->paths = server->n_paths;
    counts->stale = server->n_paths - (server->session == NULL ? 0 : server->session->n_paths);
    counts->chosen = server->chosen;
}

void
rib_counts(const struct rib *rib, struct rib_counts *counts)
{
    *counts = rib->counts;
}
