/* SPDX-License-Identifier: BSD-3-Clause */

/* The certificates that the configuration names: see certificates.h. */

#include "control/certificates.h"

#include <stdio.h>

struct tls_identity *
certificates_load(const struct certificates_config *certificates, struct config_error *error)
{
    const struct tls_files files = {
        .trust = certificates->trust,
        .certificate = certificates->certificate[0] != '\0' ? certificates->certificate : NULL,
        .key = certificates->key[0] != '\0' ? certificates->key : NULL,
    };
    struct tls_identity *identity;

    error->text[0] = '\0';
    if (certificates->trust[0] == '\0')
        return NULL;
    identity = tls_identity_load(&files, error->text);
    if (identity == NULL)
        snprintf(error->field, sizeof(error->field), "certificates");
    return identity;
}
