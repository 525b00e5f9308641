/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* The names in a certificate that TLS libraries leave to XMPP. Any thread. */

#include <stdbool.h>
#include <stddef.h>

/**
 * Reads the value of one otherName of a subjectAltName extension (DER, behind the outer tag and
 * length) as xmppAddr: RFC 6120 section 13.7.1.4, id-on-xmppAddr 1.3.6.1.5.5.7.8.5 with a
 * UTF8String. @return the text, not terminated, inside `der`, and its length; NULL if it is
 * another name, not well formed, empty, or has a zero in it.
 */
const char *certificate_xmpp_addr(const unsigned char *der, size_t size, size_t *length);
