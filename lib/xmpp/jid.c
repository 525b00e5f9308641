/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * XMPP addresses: split (RFC 7622 section 3.1), checked and folded part by part. The subset is in
 * jid.h; a part outside it makes the whole address invalid, which at worst means "not the peer that
 * we know".
 */

#include "lib/xmpp/jid.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "lib/net/addr.h"

/* Copies a part of `length` octets, ASCII letters folded; false if it is empty or too long. */
static bool
copy_folded(char part[JID_PART_MAX], const char *text, size_t length)
{
    if (length == 0 || length >= JID_PART_MAX)
        return false;
    for (size_t i = 0; i < length; i++)
        part[i] = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] | 32) : text[i];
    part[length] = '\0';
    return true;
}

static bool
copy_local(char part[JID_PART_MAX], const char *text, size_t length)
{
    if (!copy_folded(part, text, length))
        return false;
    for (size_t i = 0; i < length; i++) {
        /* RFC 7622 section 3.3.1 */
        if (part[i] <= ' ' || part[i] > '~' || strchr("\"&'/:<>@", part[i]) != NULL)
            return false;
    }
    return true;
}

/* Host names: labels of letters, digits and inner hyphens. IPv4 addresses have that shape, too. */
static bool
is_host_name(const char *name)
{
    size_t label = 0;

    for (const char *c = name; *c != '\0'; c++) {
        bool alphanumeric = (*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9');

        if (*c == '.' && label > 0 && c[-1] != '-')
            label = 0;
        else if ((alphanumeric || ((*c == '-' || *c == '_') && label > 0)) && label < 63)
            label++;
        else
            return false;
    }
    return label > 0 && name[strlen(name) - 1] != '-';
}

static bool
copy_domain(char part[JID_PART_MAX], const char *text, size_t length)
{
    if (length > 1 && text[length - 1] == '.')
        length--; /* RFC 7622 section 3.2: the final dot is not part of the domain */
    if (!copy_folded(part, text, length))
        return false;
    if (part[0] == '[' && part[length - 1] == ']') {
        struct ip_addr addr;
        char literal[JID_PART_MAX];

        memcpy(literal, part + 1, length - 2);
        literal[length - 2] = '\0';
        return ip_addr_parse(literal, &addr) == 0 && addr.family == IP_V6;
    }
    return is_host_name(part);
}

/* UTF-8 came checked from the XML parser; a configured one is ASCII in practice. */
static bool
copy_resource(char part[JID_PART_MAX], const char *text, size_t length)
{
    if (length == 0 || length >= JID_PART_MAX)
        return false;
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c < ' ' || c == 0x7f)
            return false;
    }
    memcpy(part, text, length);
    part[length] = '\0';
    return true;
}

int
jid_parse(const char *text, struct jid *jid)
{
    struct jid parsed = { .local = "" };
    const char *slash = strchr(text, '/');
    size_t bare = slash != NULL ? (size_t)(slash - text) : strlen(text);
    const char *at = memchr(text, '@', bare);
    const char *domain = text;

    if (at != NULL) {
        if (!copy_local(parsed.local, text, (size_t)(at - text)))
            return -EINVAL;
        domain = at + 1;
    }
    if (!copy_domain(parsed.domain, domain, bare - (size_t)(domain - text)))
        return -EINVAL;
    if (slash != NULL && !copy_resource(parsed.resource, slash + 1, strlen(slash + 1)))
        return -EINVAL;
    *jid = parsed;
    return 0;
}

int
jid_make(const char *local, const char *domain, const char *resource, struct jid *jid)
{
    struct jid made = { .local = "" };

    if ((local != NULL && !copy_local(made.local, local, strlen(local))) ||
        !copy_domain(made.domain, domain, strlen(domain)) ||
        (resource != NULL && !copy_resource(made.resource, resource, strlen(resource))))
        return -EINVAL;
    *jid = made;
    return 0;
}

bool
jid_equal_bare(const struct jid *a, const struct jid *b)
{
    return strcmp(a->local, b->local) == 0 && strcmp(a->domain, b->domain) == 0;
}

bool
jid_text_is_bare(const char *text, const struct jid *jid)
{
    struct jid parsed;

    return jid_parse(text, &parsed) == 0 && jid_equal_bare(&parsed, jid);
}

const char *
jid_format_bare(const struct jid *jid, char text[JID_TEXT_MAX])
{
    snprintf(text, JID_TEXT_MAX, "%s%s%s", jid->local, jid->local[0] != '\0' ? "@" : "",
             jid->domain);
    return text;
}

const char *
jid_format(const struct jid *jid, char text[JID_TEXT_MAX])
{
    snprintf(text, JID_TEXT_MAX, "%s%s%s%s%s", jid->local, jid->local[0] != '\0' ? "@" : "",
             jid->domain, jid->resource[0] != '\0' ? "/" : "", jid->resource);
    return text;
}
