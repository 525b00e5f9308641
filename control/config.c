/* SPDX-License-Identifier: BSD-3-Clause */

/* The configuration as a value: what follows from it, and releasing it. */

#include "control/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const label_modes[] = {
    [LABEL_MODE_INTERFACE] = "interface",
    [LABEL_MODE_VRF] = "vrf",
    [LABEL_MODE_GATEWAY] = "gateway",
};

const char *
label_mode_name(enum label_mode mode)
{
    return label_modes[mode];
}

int
label_mode_parse(const char *name)
{
    for (int mode = LABEL_MODE_INTERFACE; mode <= LABEL_MODE_GATEWAY; mode++) {
        if (strcmp(name, label_modes[mode]) == 0)
            return mode;
    }
    return -EINVAL;
}

uint8_t
config_encapsulations(const struct config *config)
{
    uint8_t set = 0;

    for (unsigned i = 0; i < config->n_encapsulations; i++)
        set |= config->encapsulations[i];
    return set;
}

uint16_t
config_inner_mtu(const struct config *config)
{
    const struct underlay *underlay = &config->underlay.settings;
    uint16_t widest = 0;

    for (unsigned i = 0; i < config->n_encapsulations; i++) {
        for (unsigned family = IP_V4; family <= IP_V6; family += IP_V6 - IP_V4) {
            uint16_t overhead = endpoint_overhead((uint8_t)family, config->encapsulations[i]);
            if (underlay_address(underlay, (uint8_t)family) != NULL && overhead > widest)
                widest = overhead;
        }
    }
    return underlay->mtu - widest;
}

uint16_t
config_vif_mtu(const struct config *config, const struct vif_config *vif)
{
    return vif->mtu != 0 ? vif->mtu : config_inner_mtu(config);
}

const struct vpn_config *
config_vpn(const struct config *config, const char *name)
{
    for (unsigned i = 0; i < config->n_vpns; i++) {
        if (strcmp(config->vpns[i].name, name) == 0)
            return &config->vpns[i];
    }
    return NULL;
}

void
config_free(struct config *config)
{
    for (unsigned i = 0; i < config->n_vpns; i++)
        free(config->vpns[i].routes);
    free(config->vpns);
    free(config->underlay.allowed_sources);
    free(config->vifs);
    free(config->servers);
    memset(config, 0, sizeof(*config));
}
