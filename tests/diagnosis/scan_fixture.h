// An engine and the flows that it sees, all in one namespace unless a test says otherwise.
#ifndef TCPMEDIC_TESTS_DIAGNOSIS_SCAN_FIXTURE_H_
#define TCPMEDIC_TESTS_DIAGNOSIS_SCAN_FIXTURE_H_

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "diagnosis/engine.h"
#include "tests/diagnosis/flow.h"
#include "tests/diagnosis/shipped_signature.h"

namespace tcpmedic {

class ScanFixture : public ::testing::Test {
 protected:
  static v1::NetworkNamespace Netns(uint64_t cookie) {
    v1::NetworkNamespace netns;
    netns.set_cookie(cookie);
    netns.set_inode(4'026'531'840 + cookie);
    netns.set_name(absl::StrCat("netns ", cookie));
    return netns;
  }

  void Use(const v1::Signature& signature, const std::string& revision = "rev-1") {
    engine_->SetSignatures({MustCompile(signature)}, revision);
  }

  // Lets the flows run for `seconds`, then scans them all.
  Engine::Result Scan(int seconds = 1) {
    seconds_ += seconds;
    for (Flow& flow : flows_) flow.Advance(seconds);
    engine_->BeginScan(At(seconds_));
    std::map<uint64_t, std::vector<const Flow*>> by_netns;
    for (const Flow& flow : flows_) by_netns[flow.socket.netns_cookie].push_back(&flow);
    for (const uint64_t netns : dump_fails_in_) by_netns[netns].clear();
    for (const auto& [netns, flows] : by_netns) engine_->ObserveNamespace(Netns(netns), nullptr);
    for (const auto& [netns, flows] : by_netns) {
      engine_->BeginNamespace(netns);
      for (const Flow* const flow : flows) engine_->Observe(flow->socket.Sample());
      engine_->EndNamespace(dump_fails_in_.count(netns) == 0);
    }
    return engine_->EndScan();
  }

  // One scan a second; the result of the last.
  Engine::Result ScanUntil(int seconds) {
    Engine::Result result;
    while (seconds_ < seconds) result = Scan();
    return result;
  }

  Flow& AddFlow(uint64_t cookie, const std::string& remote_ip = "203.0.113.20") {
    Flow& flow = flows_.emplace_back();
    flow.socket.cookie = cookie;
    flow.socket.remote_ip = remote_ip;
    return flow;
  }

  std::unique_ptr<Engine> engine_ = std::make_unique<Engine>();
  std::vector<Flow> flows_;
  std::set<uint64_t> dump_fails_in_;
  int seconds_ = 0;
};

// Cookies, in the order in which they are listed.
inline std::vector<uint64_t> CookiesOf(const v1::Finding& finding) {
  std::vector<uint64_t> cookies;
  for (const v1::SocketRef& socket : finding.sockets()) cookies.push_back(socket.cookie());
  return cookies;
}

// The whole activity: "sockets SEEN, suspects N", then a line per stop.
inline std::string Text(const v1::SignatureActivity& activity) {
  std::string text =
      absl::StrCat("seen ", activity.sockets_seen(), ", suspects ", activity.suspects());
  for (const v1::SignatureActivity::Stop& stop : activity.stops()) {
    absl::StrAppend(&text, "\n",
                    stop.look_alike() ? "looks like "
                    : stop.waiting()  ? "waits for "
                                      : "not ",
                    stop.at(), " (", stop.sockets(), "): ", stop.example());
  }
  return text;
}

}  // namespace tcpmedic

#endif  // TCPMEDIC_TESTS_DIAGNOSIS_SCAN_FIXTURE_H_
