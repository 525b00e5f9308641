/* SPDX-License-Identifier: BSD-3-Clause */

/* Who we are and whom we trust: see tls.h. Read from files, and configured for both roles. */

#define LOG_AREA "tls"

#include "lib/xmpp/tls_identity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <mbedtls/error.h>
#include <mbedtls/version.h>
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
#include <psa/crypto.h>
#endif

#include "lib/base/clock.h"
#include "lib/base/log.h"

#define WARNING_DAYS 14

static bool
refuse(char problem[TLS_PROBLEM_MAX], const char *file, int error)
{
    char why[160];

    mbedtls_strerror(error, why, sizeof(why));
    snprintf(problem, TLS_PROBLEM_MAX, "%s: %s", file, why);
    return false;
}

static int
read_key(struct tls_identity *identity, const char *file)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
    return mbedtls_pk_parse_keyfile(&identity->key, file, NULL, mbedtls_ctr_drbg_random,
                                    &identity->random);
#else
    return mbedtls_pk_parse_keyfile(&identity->key, file, NULL);
#endif
}

static int
check_pair(struct tls_identity *identity)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
    return mbedtls_pk_check_pair(&identity->certificate.pk, &identity->key, mbedtls_ctr_drbg_random,
                                 &identity->random);
#else
    return mbedtls_pk_check_pair(&identity->certificate.pk, &identity->key);
#endif
}

/* mbedTLS skips what it cannot read in a file of several certificates, and says how many: all of
 * them must be good. */
static bool
read_files(struct tls_identity *identity, const struct tls_files *files,
           char problem[TLS_PROBLEM_MAX])
{
    const char *key = files->key != NULL ? files->key : files->certificate;
    int error = mbedtls_x509_crt_parse_file(&identity->trust, files->trust);

    if (error > 0)
        snprintf(problem, TLS_PROBLEM_MAX, "%s: %d certificates cannot be read", files->trust,
                 error);
    if (error != 0)
        return error < 0 ? refuse(problem, files->trust, error) : false;
    if (files->certificate == NULL)
        return true;
    error = mbedtls_x509_crt_parse_file(&identity->certificate, files->certificate);
    if (error > 0)
        snprintf(problem, TLS_PROBLEM_MAX, "%s: %d certificates cannot be read", files->certificate,
                 error);
    if (error != 0)
        return error < 0 ? refuse(problem, files->certificate, error) : false;
    error = read_key(identity, key);
    if (error != 0)
        return refuse(problem, key, error);
    if (check_pair(identity) != 0) {
        snprintf(problem, TLS_PROBLEM_MAX, "%s: the key is not that of the certificate", key);
        return false;
    }
    identity->has_certificate = true;
    return true;
}

static int
configure(struct tls_identity *identity, int role)
{
    mbedtls_ssl_config *config = &identity->roles[role];
    int error = mbedtls_ssl_config_defaults(config, role, MBEDTLS_SSL_TRANSPORT_STREAM,
                                            MBEDTLS_SSL_PRESET_DEFAULT);

    if (error != 0)
        return error;
    mbedtls_ssl_conf_rng(config, mbedtls_ctr_drbg_random, &identity->random);
    mbedtls_ssl_conf_min_version(config, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
    mbedtls_ssl_conf_ca_chain(config, &identity->trust, NULL);
    /* a server's client may have none: other ways to authenticate are left to it */
    mbedtls_ssl_conf_authmode(config, role == MBEDTLS_SSL_IS_CLIENT ? MBEDTLS_SSL_VERIFY_REQUIRED
                                                                    : MBEDTLS_SSL_VERIFY_OPTIONAL);
    return identity->has_certificate
               ? mbedtls_ssl_conf_own_cert(config, &identity->certificate, &identity->key)
               : 0;
}

static void
warn_of_expiry(const struct tls_identity *identity, const char *file)
{
    const int64_t left = tls_identity_expiry(identity) - (int64_t)clock_unix_seconds();

    if (identity->has_certificate && left < WARNING_DAYS * 86400)
        log_warning("%s: the certificate %s", file,
                    left < 0 ? "has expired" : "expires in less than two weeks");
}

struct tls_identity *
tls_identity_load(const struct tls_files *files, char problem[TLS_PROBLEM_MAX])
{
    struct tls_identity *identity = calloc(1, sizeof(*identity));
    int error;

    if (identity == NULL) {
        snprintf(problem, TLS_PROBLEM_MAX, "out of memory");
        return NULL;
    }
    identity->references = 1;
    mbedtls_entropy_init(&identity->entropy);
    mbedtls_ctr_drbg_init(&identity->random);
    mbedtls_x509_crt_init(&identity->trust);
    mbedtls_x509_crt_init(&identity->certificate);
    mbedtls_pk_init(&identity->key);
    mbedtls_ssl_config_init(&identity->roles[MBEDTLS_SSL_IS_CLIENT]);
    mbedtls_ssl_config_init(&identity->roles[MBEDTLS_SSL_IS_SERVER]);
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
    psa_crypto_init();
#endif
    error =
        mbedtls_ctr_drbg_seed(&identity->random, mbedtls_entropy_func, &identity->entropy, NULL, 0);
    if (error != 0) {
        (void)refuse(problem, "random numbers", error);
    } else if (read_files(identity, files, problem)) {
        error = configure(identity, MBEDTLS_SSL_IS_CLIENT);
        if (error == 0)
            error = configure(identity, MBEDTLS_SSL_IS_SERVER);
        if (error == 0) {
            warn_of_expiry(identity, files->certificate);
            return identity;
        }
        (void)refuse(problem, "TLS", error);
    }
    tls_identity_release(identity);
    return NULL;
}

struct tls_identity *
tls_identity_hold(struct tls_identity *identity)
{
    if (identity != NULL)
        identity->references++;
    return identity;
}

void
tls_identity_release(struct tls_identity *identity)
{
    if (identity == NULL || --identity->references > 0)
        return;
    mbedtls_ssl_config_free(&identity->roles[MBEDTLS_SSL_IS_CLIENT]);
    mbedtls_ssl_config_free(&identity->roles[MBEDTLS_SSL_IS_SERVER]);
    mbedtls_pk_free(&identity->key);
    mbedtls_x509_crt_free(&identity->certificate);
    mbedtls_x509_crt_free(&identity->trust);
    mbedtls_ctr_drbg_free(&identity->random);
    mbedtls_entropy_free(&identity->entropy);
    free(identity);
}

int64_t
tls_identity_expiry(const struct tls_identity *identity)
{
    const mbedtls_x509_time *end = &identity->certificate.valid_to;
    struct tm time = {
        .tm_year = end->year - 1900,
        .tm_mon = end->mon - 1,
        .tm_mday = end->day,
        .tm_hour = end->hour,
        .tm_min = end->min,
        .tm_sec = end->sec,
    };

    return identity->has_certificate ? (int64_t)timegm(&time) : 0;
}
