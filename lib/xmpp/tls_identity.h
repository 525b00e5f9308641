/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* The inside of an identity, shared by tls.c and tls_identity.c. */

#include <stdbool.h>

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>

#include "lib/xmpp/tls.h"

struct tls_identity {
    unsigned references;
    mbedtls_entropy_context entropy;
    mbedtls_ctr_drbg_context random;
    mbedtls_x509_crt trust, certificate;
    mbedtls_pk_context key;
    bool has_certificate;
    mbedtls_ssl_config roles[2]; /* MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_IS_SERVER */
};
