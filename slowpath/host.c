/* SPDX-License-Identifier: BSD-3-Clause */

/* Copies for the kernel of this host: see host.h. */

#include "slowpath/host.h"

#include <string.h>

#include "lib/net/parse.h"
#include "slowpath/send.h"

bool
host_copy(struct slowpath *slowpath, const struct punted *punted)
{
    const struct port *host = port_of_role(slowpath->config.ports, PORT_HOST);
    struct frame *copy = &slowpath->reply;
    struct frame_view view;

    if (host == NULL || punted->here < punted->length ||
        parse_frame(punted->octets, punted->here, &view) != PARSE_OK)
        return false;
    frame_begin(copy,
                &(struct link_address){ view.eth->destination, view.eth->source, VLAN_UNTAGGED },
                view.type);
    memcpy(copy->octets + copy->length, punted->octets + view.l3_offset,
           punted->length - view.l3_offset);
    copy->length += punted->length - view.l3_offset;
    return send_frame(slowpath, host->number, VIF_NONE, copy) == DROP_REASONS;
}
