/* SPDX-License-Identifier: BSD-3-Clause */

/* An XML stream from a peer: fed at once, octet by octet and in pieces of a size that the first
 * octet gives it must become the same stanzas and the same stream error. */

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/hmap.h"
#include "lib/xmpp/stream.h"

struct outcome {
    uint64_t digest; /* of everything that the handlers were told */
    int result;
    const char *condition;
};

static void
mix(struct outcome *outcome, const char *text)
{
    outcome->digest = outcome->digest * 31 + hmap_hash_string(text) + 1;
}

static void
mix_element(struct outcome *outcome, const struct xmpp_element *element)
{
    mix(outcome, element->ns);
    mix(outcome, element->name);
    mix(outcome, element->text);
    if (strlen(element->text) != element->text_length)
        abort();
    for (const struct xmpp_attribute *a = element->attributes; a != NULL; a = a->next) {
        mix(outcome, a->ns);
        mix(outcome, a->name);
        mix(outcome, a->value);
    }
    for (const struct xmpp_element *e = element->first_child; e != NULL; e = e->next) {
        if (e->parent != element || (e->next == NULL && element->last_child != e))
            abort();
        mix_element(outcome, e);
    }
}

static void
on_element(void *user, const struct xmpp_element *element)
{
    mix_element(user, element);
}

static void
on_end(void *user)
{
    mix(user, "end");
}

static struct outcome
feed(const uint8_t *octets, size_t length, size_t piece)
{
    static const struct xmpp_stream_handlers handlers = { on_element, on_element, on_end };
    static const struct xmpp_limits limits = { .stanza_octets = 1000,
                                               .stanza_memory = 20000,
                                               .token_octets = 500,
                                               .text_octets = 200,
                                               .ns_octets = 100,
                                               .attributes = 4,
                                               .depth = 6 };
    struct outcome outcome = { 0, 0, NULL };
    struct xmpp_stream *stream = xmpp_stream_new(&limits, &handlers, &outcome);

    if (stream == NULL)
        abort();
    while (length > 0 && outcome.result == 0) {
        size_t n = piece < length ? piece : length;
        uint8_t *copy = malloc(n);

        memcpy(copy, octets, n);
        outcome.result = xmpp_stream_feed(stream, copy, n);
        free(copy);
        octets += n;
        length -= n;
    }
    outcome.condition = xmpp_stream_error(stream, NULL);
    if ((outcome.result == -EPROTO) != (outcome.condition != NULL))
        abort();
    xmpp_stream_free(stream);
    return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct outcome whole = feed(data + 1, size - 1, size);
    struct outcome single = feed(data + 1, size - 1, 1);
    struct outcome pieces = feed(data + 1, size - 1, 2u + data[0]);

    /* Where a limit and an error of form are both near, which is seen first depends on the pieces.
     */
    bool limit = (whole.condition != NULL && strcmp(whole.condition, "policy-violation") == 0) ||
                 (single.condition != NULL && strcmp(single.condition, "policy-violation") == 0) ||
                 (pieces.condition != NULL && strcmp(pieces.condition, "policy-violation") == 0);
    if (limit)
        return 0;
    if (whole.digest != single.digest || whole.digest != pieces.digest)
        abort();
    return 0;
}
