/* SPDX-License-Identifier: BSD-3-Clause */

/* Names of numbers: see names.h. */

#include "control/names.h"

#include "control/control.h"

const char *
name_of_port(const struct control *control, uint16_t number)
{
    const struct port *port = number < PORTS_MAX ? port_at(control->ports, number) : NULL;

    if (port == NULL)
        return "(gone)";
    return port->role == PORT_UNDERLAY ? control->config->underlay.name : port->spec;
}

const char *
name_of_vif(const struct control *control, uint32_t id)
{
    const struct interface *interface = interface_at(control->interfaces, id);

    return interface == NULL ? "(gone)" : interface->config.name;
}

const char *
name_of_vrf(const struct control *control, uint32_t root)
{
    const struct vrf *vrf = vrf_at(control->vrfs, vrf_of_root(root));

    return vrf == NULL ? "(gone)" : vrf->name;
}

const char *
name_of_root(uint32_t root)
{
    return root == vrf_upstream_root(vrf_of_root(root)) ? "upstream" : "downstream";
}
