/* SPDX-License-Identifier: BSD-3-Clause */

/* Descriptions of packets. As text: what is built from it is a valid packet, and its own
 * description builds the same headers again. As octets: each packet and frame has a description
 * that fits. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/net/description.h"
#include "lib/net/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_text(const char *text)
{
    static struct description built, again;
    char problem[DESCRIPTION_PROBLEM_MAX], words[DESCRIPTION_TEXT_MAX];
    struct ip_view ip;

    memset(problem, 0x55, sizeof(problem));
    if (description_build(text, &built, problem) != 0) {
        if (memchr(problem, '\0', sizeof(problem)) == NULL)
            abort();
        return;
    }
    /* "protocol" can say what does not go with the rest: a jumbogram, for example */
    if (built.length > DESCRIPTION_PACKET_MAX ||
        (strstr(text, "protocol") == NULL &&
         (parse_ip(built.packet, built.length, built.length, &ip) != PARSE_OK ||
          ip.total_length != built.length)))
        abort();
    description_of_packet(built.packet, built.length, built.length, words, sizeof(words));
    if (description_build(words, &again, problem) == 0)
        description_of_packet(again.packet, again.length, again.length, words, sizeof(words));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1), words[DESCRIPTION_TEXT_MAX];

    if (text == NULL)
        return 0;
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    check_text(text);
    for (size_t room = 1; room <= sizeof(words); room *= 8) {
        description_of_packet(data, size, size, words, room);
        description_of_frame(data, size, size + 7, words, room);
        if (strlen(words) >= room)
            abort();
    }
    free(text);
    return 0;
}
