// Memory follows suspects, not sockets: every allocation is counted, of scans that are like the one
// before.
#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "diagnosis/engine.h"
#include "tests/diagnosis/flow.h"
#include "tests/diagnosis/scripted_netns.h"
#include "tests/diagnosis/shipped_signature.h"
#include "tests/support/allocation_count.h"

namespace tcpmedic {
namespace {

// The allocations of all Observe calls in each of `scans` scans of the flows.
std::vector<int64_t> AllocationsPerScan(std::vector<Flow>* flows, int scans,
                                        const FollowRequest& follow = {}) {
  Engine engine;
  if (!follow.order_id.empty()) engine.Follow(follow);
  engine.SetSignatures({MustCompile(ShippedSignature("pinned-cwnd"))}, "rev-1");
  v1::NetworkNamespace netns;
  netns.set_cookie(1);
  std::vector<int64_t> per_scan;
  for (int second = 1; second <= scans; ++second) {
    std::vector<SocketSample> samples;
    for (Flow& flow : *flows) {
      flow.Advance(1);
      samples.push_back(flow.socket.Sample());
    }
    engine.BeginScan(At(second));
    engine.ObserveNamespace(netns, nullptr);
    engine.BeginNamespace(netns.cookie());
    const int64_t before = AllocationCount();
    for (const SocketSample& sample : samples) engine.Observe(sample);
    per_scan.push_back(AllocationCount() - before);
    engine.EndNamespace(true);
    engine.EndScan();
  }
  return per_scan;
}

TEST(EngineAllocation, SocketsThatAreNoSuspectsAllocateNothing) {
  std::vector<Flow> flows(5'000);
  for (size_t i = 0; i < flows.size(); ++i) {
    flows[i].socket.cookie = i + 1;
    // One stops at each of the conjuncts that one sample decides, but for those of young sockets.
    if (i % 3 == 0) flows[i].socket.state = TcpState::kCloseWait;
    if (i % 3 == 1) flows[i].socket.cc = "bbr";
    if (i % 3 == 2) flows[i].socket.info.tcpi_min_rtt = 300;
  }
  EXPECT_EQ(AllocationsPerScan(&flows, 3), std::vector<int64_t>({0, 0, 0}));
}

TEST(EngineAllocation, NamespaceOfAFloodAllocatesForListenersAndHalfOpenConnectionsAlone) {
  Engine engine;
  v1::Signature signature;
  signature.set_name("half-open");
  signature.set_subject(v1::SUBJECT_NETNS);
  signature.set_when("netns.tcp_syncookies == 0 && listener.syn_recv_sockets > 1000000");
  signature.add_group_by("netns");
  engine.SetSignatures({MustCompile(signature)}, "rev-1");

  std::vector<SocketSample> others, half_open;
  for (uint64_t cookie = 1; cookie <= 5'000; ++cookie) {
    SyntheticSocket socket;
    socket.cookie = cookie;
    others.push_back(socket.Sample());
    half_open.push_back(HalfOpenSample(10'000 + cookie, "10.0.0.5", 443, "198.18.0.1"));
  }
  const auto allocations = [&](const ScriptedNetns& netns, const std::vector<SocketSample>& seen) {
    static int second = 0;
    const CounterSample counters = netns.Counters();
    engine.BeginScan(At(++second));
    engine.ObserveNamespace(netns.Netns(), &counters);
    engine.BeginNamespace(1);
    const int64_t before = AllocationCount();
    for (const SocketSample& sample : seen) engine.Observe(sample);
    const int64_t after = AllocationCount();
    engine.EndNamespace(true);
    engine.EndScan();
    return after - before;
  };
  ScriptedNetns quiet, flooded;
  flooded.values["net.ipv4.tcp_syncookies"] = 0;
  EXPECT_EQ(allocations(quiet, half_open), 0);
  EXPECT_EQ(allocations(flooded, others), 0);
  const int64_t first = allocations(flooded, half_open);
  EXPECT_GT(first, 0);    // so the count counts
  EXPECT_LT(first, 100);  // by doubling, not for each
}

TEST(EngineAllocation, FollowedSocketsAllocateNothingOnceTheirHistoryIsFull) {
  std::vector<Flow> flows(200);
  FollowRequest follow;
  follow.order_id = "o-1";
  follow.applied = At(0);
  for (size_t i = 0; i < flows.size(); ++i) {
    flows[i].socket.cookie = i + 1;
    flows[i].socket.cc = "bbr";
    if (i < 100) follow.targets.push_back({i + 1, 1});
  }
  const std::vector<int64_t> per_scan = AllocationsPerScan(&flows, 40, follow);
  EXPECT_GT(per_scan[0], 0);
  for (size_t scan = 20; scan < per_scan.size(); ++scan) EXPECT_EQ(per_scan[scan], 0) << scan;
}

TEST(EngineAllocation, SuspectsAllocateNothingOnceTheirHistoryIsFull) {
  std::vector<Flow> flows(200);
  for (size_t i = 0; i < flows.size(); ++i) {
    flows[i].socket.cookie = i + 1;
    flows[i].socket.info.tcpi_snd_cwnd = 1'480;  // never a match
  }
  const std::vector<int64_t> per_scan = AllocationsPerScan(&flows, 40);
  EXPECT_GT(per_scan[0], 0);  // so the count counts
  for (size_t scan = 20; scan < per_scan.size(); ++scan) EXPECT_EQ(per_scan[scan], 0) << scan;
}

}  // namespace
}  // namespace tcpmedic
