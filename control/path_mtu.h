/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The underlay's path MTUs: the slow path tells which far ends are reached by smaller packets than
 * the underlay's own (lib/ring/path_mtu.h), and their endpoints have a smaller MTU for ten minutes
 * (RFC 1191 section 6.3, RFC 8201 section 4). Control thread.
 */

struct control;
struct path_mtus;
struct rings;

/** Begins to listen. `control` has its event base and routing. @return NULL without memory. */
struct path_mtus *path_mtus_create(struct control *control, struct rings *rings);

/** Ends it; NULL is ignored. */
void path_mtus_destroy(struct path_mtus *path_mtus);
