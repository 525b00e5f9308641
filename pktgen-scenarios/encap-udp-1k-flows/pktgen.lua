-- SPDX-License-Identifier: BSD-3-Clause
-- The traffic of scenario.json for Pktgen-DPDK 23: port 0 is the guest's, port 1 the underlay's.
-- ../run sets FRAME, FLOWS, SECONDS and the addresses in the environment.

package.path = package.path .. ";?.lua"
require "Pktgen"

local frame = tonumber(os.getenv("FRAME"))
local flows = tonumber(os.getenv("FLOWS"))
local seconds = tonumber(os.getenv("SECONDS"))
local last = string.format(".%d.%d", (flows - 1) // 256, (flows - 1) % 256)

pktgen.screen("off")
pktgen.range.src_mac("0", "start", os.getenv("SOURCE_MAC"))
pktgen.range.dst_mac("0", "start", os.getenv("DESTINATION_MAC"))
for _, side in ipairs({ { "src_ip", os.getenv("SOURCE") }, { "dst_ip", os.getenv("DESTINATION") } }) do
    local network = side[2]:match("^(%d+%.%d+)")
    pktgen.range[side[1]]("0", "start", side[2])
    pktgen.range[side[1]]("0", "min", side[2])
    pktgen.range[side[1]]("0", "max", network .. last)
    pktgen.range[side[1]]("0", "inc", "0.0.0.1")
end
pktgen.range.ip_proto("0", "udp")
pktgen.range.pkt_size("0", "start", frame)
pktgen.range.pkt_size("0", "inc", 0)
pktgen.set_range("0", "on")
pktgen.clr("all")
pktgen.start("0")
pktgen.delay(seconds * 1000)
pktgen.stop("0")
pktgen.delay(500)

local stats = pktgen.portStats("all", "port")
print(string.format("RESULT sent %d received %d", stats[0].opackets, stats[1].ipackets))
pktgen.quit()
