/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The maximum segment size of TCP segments in heap blocks of exactly their size. Nothing changes
 * but options and the checksum, which stays as right or wrong as it was; and a second time changes
 * nothing at all.
 *
 * Input: the size to clamp to, two octets, then the segment.
 */

#include <stdlib.h>
#include <string.h>

#include "fastpath/mss.h"
#include "lib/net/checksum.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HEADER       sizeof(struct tcp_header)
#define CHECKSUM     offsetof(struct tcp_header, checksum)
#define CHECKSUM_END (CHECKSUM + sizeof(be16))

static void
must(bool holds)
{
    if (!holds)
        abort();
}

/* The sum of all words, of which zero has two forms. */
static unsigned
sum_of(const uint8_t *segment, size_t length)
{
    return checksum_finish(checksum_add(0, segment, length)) % 0xffff;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < sizeof(uint16_t) || size > UINT16_MAX)
        return 0;

    const uint16_t mss = (uint16_t)(data[0] << 8 | data[1]);
    const size_t length = size - sizeof(mss);
    uint8_t *segment = malloc(length), *once = malloc(length);

    must(length == 0 || (segment != NULL && once != NULL));
    if (length > 0)
        memcpy(segment, data + sizeof(mss), length);
    mss_clamp_segment(segment, length, mss);
    must(sum_of(segment, length) == sum_of(data + sizeof(mss), length));
    for (size_t i = 0; i < length; i++)
        must(segment[i] == data[sizeof(mss) + i] || (i >= CHECKSUM && i < CHECKSUM_END) ||
             (i >= HEADER && i < (size_t)(segment[12] >> 4) * 4));
    if (length > 0)
        memcpy(once, segment, length);
    mss_clamp_segment(segment, length, mss);
    must(length == 0 || memcmp(segment, once, length) == 0);
    free(segment);
    free(once);
    return 0;
}
