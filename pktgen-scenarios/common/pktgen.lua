-- SPDX-License-Identifier: BSD-3-Clause
-- Plays a scenario with Pktgen-DPDK 23: the frames come from the capture that ../run made (option -s),
-- everything else from the table that it wrote to the file CASE. Port 0 sends, port 1 receives.

package.path = package.path .. ";?.lua"
require "Pktgen"

local case = dofile(os.getenv("CASE"))

-- Pktgen's rate is a part of the link's, in percent; it says itself what the link's is.
local function percent_of_link(packets_a_second, octets)
    local speed = pktgen.linkState("0")[0]:match("(%d+)")
    local bits = packets_a_second * (octets + 24) * 8
    return math.min(100, 100 * bits / ((tonumber(speed) or 10000) * 1e6))
end

-- The vRouter has its routes when this file is there.
local function wait_for_go()
    for _ = 1, 600 do
        local file = io.open(os.getenv("GO"))
        if file then
            file:close()
            return
        end
        pktgen.delay(100)
    end
    error("nobody says when to begin")
end

pktgen.screen("off")
wait_for_go()
pktgen.set("0", "count", 0)
pktgen.set("0", "rate", case.rate > 0 and percent_of_link(case.rate, case.octets) or 100)
pktgen.clr()
pktgen.start("0")
pktgen.delay(case.seconds * 1000)
pktgen.stop("0")
pktgen.delay(500)

local stats = pktgen.portStats("all", "port")
print(string.format("RESULT sent %d received %d", stats[0].opackets, stats[1].ipackets))
pktgen.quit()
