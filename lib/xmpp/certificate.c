/* SPDX-License-Identifier: BSD-3-Clause */

/* The names in a certificate that TLS libraries leave to XMPP: see certificate.h. */

#include "lib/xmpp/certificate.h"

#include <string.h>

#include <mbedtls/asn1.h>

const char *
certificate_xmpp_addr(const unsigned char *der, size_t size, size_t *length)
{
    static const unsigned char xmpp_addr[] = { 0x2b, 6, 1, 5, 5, 7, 8, 5 };
    unsigned char *at = (unsigned char *)(uintptr_t)der; /* the parser's type: it does not write */
    const unsigned char *end = der + size;

    if (mbedtls_asn1_get_tag(&at, end, length, MBEDTLS_ASN1_OID) != 0 ||
        *length != sizeof(xmpp_addr) || memcmp(at, xmpp_addr, sizeof(xmpp_addr)) != 0)
        return NULL;
    at += *length;
    if (mbedtls_asn1_get_tag(&at, end, length,
                             MBEDTLS_ASN1_CONTEXT_SPECIFIC | MBEDTLS_ASN1_CONSTRUCTED) != 0 ||
        at + *length != end ||
        mbedtls_asn1_get_tag(&at, end, length, MBEDTLS_ASN1_UTF8_STRING) != 0 ||
        at + *length != end || *length == 0 || memchr(at, '\0', *length) != NULL)
        return NULL;
    return (const char *)at;
}
