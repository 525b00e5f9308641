/* SPDX-License-Identifier: BSD-3-Clause */

/* Tunnel encapsulations by name. */

#include "lib/net/encapsulation.h"

#include <stddef.h>
#include <string.h>

static const struct {
    uint8_t encapsulation;
    const char *name;
} names[] = { { ENCAP_GRE, "gre" }, { ENCAP_UDP, "udp" }, { ENCAP_VXLAN, "vxlan" } };

const char *
encapsulation_name(uint8_t encapsulation)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (names[i].encapsulation == encapsulation)
            return names[i].name;
    }
    return "none";
}

uint8_t
encapsulation_parse(const char *name)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(names[i].name, name) == 0)
            return names[i].encapsulation;
    }
    return 0;
}
