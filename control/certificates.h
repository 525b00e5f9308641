/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* Who we are towards route servers, and whom we trust. Control thread. */

#include "control/config.h"
#include "lib/xmpp/tls.h"

/**
 * Loads what the configuration names. Reads files.
 * @return an identity with one reference; NULL with an empty text in `error` if nothing is named,
 * with a text if it cannot be loaded.
 */
struct tls_identity *certificates_load(const struct certificates_config *certificates,
                                       struct config_error *error);
