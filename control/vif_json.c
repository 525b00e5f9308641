/* SPDX-License-Identifier: BSD-3-Clause */

/* An interface as JSON: see vif_json.h. */

#include "control/vif_json.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "control/vif_config.h"

typedef int read_text(struct vif_config *vif, const char *text, struct config_error *error);

static int
refuse(struct config_error *error, const char *field, const char *text)
{
    snprintf(error->field, sizeof(error->field), "%s", field);
    snprintf(error->text, sizeof(error->text), "%s", text);
    return -EINVAL;
}

/* Copies a text member; what is too long is refused, not cut. */
static int
copy_text(const json_t *object, const char *key, char *to, size_t size, struct config_error *error)
{
    const char *text = json_string_value(json_object_get(object, key));

    if (text == NULL)
        return 0;
    if (strlen(text) >= size)
        return refuse(error, key, "too long");
    memcpy(to, text, strlen(text) + 1);
    return 0;
}

/* Reads a text member by `read`, if it is there. */
static int
text_member(const json_t *object, const char *key, read_text *read, struct vif_config *vif,
            struct config_error *error)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text == NULL ? 0 : read(vif, text, error);
}

/* Reads each text of a list member by `read`. */
static int
text_members(const json_t *object, const char *key, read_text *read, struct vif_config *vif,
             struct config_error *error)
{
    const json_t *list = json_object_get(object, key);

    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));
        int failed = text == NULL ? 0 : read(vif, text, error);
        if (failed != 0)
            return failed;
    }
    return 0;
}

/* A whole number from 0 to `max`; `*value` is left where there is none. */
static int
wide_member(const json_t *object, const char *key, json_int_t max, uint64_t *value,
            struct config_error *error)
{
    const json_t *member = json_object_get(object, key);
    json_int_t number = json_integer_value(member);

    if (!json_is_integer(member))
        return 0;
    if (number < 0 || number > max)
        return refuse(error, key, "out of range");
    *value = (uint64_t)number;
    return 0;
}

static int
number_member(const json_t *object, const char *key, uint32_t max, uint32_t *value,
              struct config_error *error)
{
    uint64_t wide = *value;
    int failed = wide_member(object, key, max, &wide, error);

    *value = (uint32_t)wide;
    return failed;
}

static bool
boolean_member(const json_t *object, const char *key, bool fallback)
{
    const json_t *member = json_object_get(object, key);

    return json_is_boolean(member) ? json_is_true(member) : fallback;
}

int
vif_config_changes_from_json(const json_t *object, struct vif_config *vif,
                             struct config_error *error)
{
    if (text_member(object, "mss_clamp", vif_config_mss_clamp, vif, error) != 0 ||
        wide_member(object, "rate_in", VIF_RATE_BITS_MAX, &vif->rate_in.bits, error) != 0 ||
        wide_member(object, "rate_out", VIF_RATE_BITS_MAX, &vif->rate_out.bits, error) != 0 ||
        wide_member(object, "packet_rate_in", VIF_RATE_PACKETS_MAX, &vif->rate_in.packets, error) !=
            0 ||
        wide_member(object, "packet_rate_out", VIF_RATE_PACKETS_MAX, &vif->rate_out.packets,
                    error) != 0)
        return -EINVAL;
    vif->up = boolean_member(object, "up", vif->up);
    return 0;
}

int
vif_config_from_json(const json_t *object, struct vif_config *vif, struct config_error *error)
{
    uint32_t vlan = VLAN_UNTAGGED, mtu = 0;

    *vif = VIF_CONFIG_DEFAULT;
    if (copy_text(object, "name", vif->name, sizeof(vif->name), error) != 0 ||
        copy_text(object, "vpn", vif->vpn, sizeof(vif->vpn), error) != 0 ||
        copy_text(object, "port", vif->port, sizeof(vif->port), error) != 0 ||
        text_member(object, "mac", vif_config_mac, vif, error) != 0 ||
        text_member(object, "gateway", vif_config_gateway, vif, error) != 0 ||
        text_member(object, "gateway6", vif_config_gateway6, vif, error) != 0 ||
        text_members(object, "addresses", vif_config_address, vif, error) != 0 ||
        text_members(object, "prefixes", vif_config_prefix, vif, error) != 0 ||
        text_members(object, "dns", vif_config_dns, vif, error) != 0 ||
        number_member(object, "vlan", VLAN_ID_MAX, &vlan, error) != 0 ||
        number_member(object, "mtu", UINT16_MAX, &mtu, error) != 0 ||
        number_member(object, "label", LABEL_MAX, &vif->label, error) != 0 ||
        number_member(object, "lease_seconds", UINT32_MAX, &vif->lease_seconds, error) != 0 ||
        number_member(object, "local_preference", UINT32_MAX, &vif->local_preference, error) != 0 ||
        number_member(object, "sequence_number", UINT32_MAX, &vif->sequence_number, error) != 0)
        return -EINVAL;
    vif->vlan = (uint16_t)vlan;
    vif->mtu = (uint16_t)mtu;
    vif->dhcp = boolean_member(object, "dhcp", vif->dhcp);
    vif->router_advertisement =
        boolean_member(object, "router_advertisement", vif->router_advertisement);
    return vif_config_changes_from_json(object, vif, error);
}

static const char *
mss_clamp_format(uint16_t mss_clamp, char text[8])
{
    if (mss_clamp == MSS_CLAMP_OFF || mss_clamp == MSS_CLAMP_AUTO)
        return mss_clamp == MSS_CLAMP_OFF ? "off" : "auto";
    snprintf(text, 8, "%u", mss_clamp);
    return text;
}

json_t *
vif_config_to_json(const struct vif_config *vif)
{
    char text[IP_PREFIX_TEXT_MAX], mac[MAC_TEXT_MAX], mss_clamp[8];
    json_t *addresses = json_array(), *prefixes = json_array(), *dns = json_array();

    for (unsigned i = 0; i < vif->n_addresses; i++) {
        struct ip_prefix address = { vif->addresses[i].addr, vif->addresses[i].length };
        bool host = address.length == ip_family_bits(address.addr.family);
        json_array_append_new(addresses, json_string(host ? ip_addr_format(&address.addr, text)
                                                          : ip_prefix_format(&address, text)));
    }
    for (unsigned i = 0; i < vif->n_prefixes; i++)
        json_array_append_new(prefixes, json_string(ip_prefix_format(&vif->prefixes[i], text)));
    for (unsigned i = 0; i < vif->n_dns; i++)
        json_array_append_new(dns, json_string(ip_addr_format(&vif->dns[i], text)));

    json_t *object = json_pack(
        "{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:i, s:I, s:I, s:I, s:b, s:b, s:b, s:s, s:I, s:I, "
        "s:I, s:I}",
        "name", vif->name, "vpn", vif->vpn, "port", vif->port, "mac", mac_format(&vif->mac, mac),
        "addresses", addresses, "prefixes", prefixes, "dns", dns, "mtu", (int)vif->mtu, "label",
        (json_int_t)vif->label, "lease_seconds", (json_int_t)vif->lease_seconds, "local_preference",
        (json_int_t)vif->local_preference, "dhcp", vif->dhcp, "router_advertisement",
        vif->router_advertisement, "up", vif->up, "mss_clamp",
        mss_clamp_format(vif->mss_clamp, mss_clamp), "rate_in", (json_int_t)vif->rate_in.bits,
        "rate_out", (json_int_t)vif->rate_out.bits, "packet_rate_in",
        (json_int_t)vif->rate_in.packets, "packet_rate_out", (json_int_t)vif->rate_out.packets);
    if (vif->vlan != VLAN_UNTAGGED)
        json_object_set_new(object, "vlan", json_integer(vif->vlan));
    if (vif->sequence_number != 0)
        json_object_set_new(object, "sequence_number", json_integer(vif->sequence_number));
    if (vif->gateway.family != IP_NONE)
        json_object_set_new(object, "gateway", json_string(ip_addr_format(&vif->gateway, text)));
    if (vif->gateway6.family != IP_NONE)
        json_object_set_new(object, "gateway6", json_string(ip_addr_format(&vif->gateway6, text)));
    return object;
}
