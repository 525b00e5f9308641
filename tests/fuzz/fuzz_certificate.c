/* SPDX-License-Identifier: BSD-3-Clause */

/* Names in certificates: DER of any kind, in a buffer of exactly its size, is read or refused, and
 * what is read lies inside of it. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/xmpp/certificate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *der = malloc(size == 0 ? 1 : size);
    size_t length;
    const char *text;

    if (der == NULL)
        return 0;
    if (size > 0)
        memcpy(der, data, size);
    text = certificate_xmpp_addr(der, size, &length);
    if (text != NULL &&
        ((const uint8_t *)text < der || (const uint8_t *)text + length != der + size))
        abort();
    free(der);
    return 0;
}
