#include "cli/render/lists.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/cli/flood_examples.h"
#include "tests/cli/golden.h"
#include "tests/cli/leak_examples.h"
#include "tests/cli/order_examples.h"

namespace tcpmedic::cli {
namespace {

TEST(Lists, HostsSayWhatTheyCannotSee) {
  ExpectGolden("hosts.txt", RenderHosts(TwoHosts(), kNow, {}));
}

TEST(Lists, IncidentsAreATable) {
  v1::ListIncidentsResponse incidents;
  *incidents.add_incidents() = PinnedCwndProposed();
  *incidents.add_incidents() = PinnedCwndLikely();
  *incidents.add_incidents() = PinnedCwndRejected();
  *incidents.add_incidents() = PinnedCwndVerifying();
  *incidents.add_incidents() = PinnedCwndVerified();
  *incidents.add_incidents() = PinnedCwndInconclusive();
  *incidents.add_incidents() = PinnedCwndSilent();
  *incidents.add_incidents() = FloodAbsorbed();
  *incidents.add_incidents() = FloodProposed();
  *incidents.add_incidents() = FloodVerified();
  *incidents.add_incidents() = FloodLeaseOver();
  *incidents.add_incidents() = LeakAlerted();
  *incidents.add_incidents() = LeakSampled();
  *incidents.add_incidents() = LeakUpstream();
  *incidents.add_incidents() = LeakOver();
  incidents.set_truncated(true);
  ExpectGolden("incidents.txt", RenderIncidents(incidents, {}, kNow, {}));
}

TEST(Lists, AuditIsATable) {
  ExpectGolden("audit.txt", RenderAudit(FromText<v1::ListAuditResponse>(R"pb(
                                          entries {
                                            sequence: 1204
                                            at { seconds: 1795317065 }
                                            actor: "alice"
                                            action: "rejected"
                                            subject: "i-7f3a91c2"
                                            detail: "backup window"
                                            hash: "9b74c9897bac770ffc029102a200c5de"
                                          }
                                          entries {
                                            sequence: 1203
                                            at { seconds: 1795230000 }
                                            actor: "agent"
                                            action: "opened"
                                            subject: "i-7f3a91c2"
                                            hash: "0011223344556677"
                                          })pb"),
                                        kNow, {}));
}

TEST(Lists, AnAuditLogThatCannotBeTrustedSaysSoFirst) {
  ExpectGolden("audit_tampered.txt", RenderAudit(FromText<v1::ListAuditResponse>(R"pb(
                                                   entries {
                                                     sequence: 4
                                                     at { seconds: 1795317065 }
                                                     actor: "alice"
                                                     action: "rejected"
                                                     subject: "i-7f3a91c2"
                                                     detail: "backup window"
                                                     hash: "9b74c9897bac770ffc029102a200c5de"
                                                   }
                                                   problems: "audit entry 3 is missing: 4 follows 2"
                                                 )pb"),
                                                 kNow, {.width = 80}));
}

TEST(Lists, PolicyStatusShowsTheMistakesOfANewerRevision) {
  ExpectGolden(
      "policy_status.txt",
      RenderPolicyStatus(
          FromText<v1::PolicyStatus>(R"pb(
            revision: "digest:3f2a91c0d4e5"
            source: "/etc/tcpmedic/policies"
            loaded_at { seconds: 1795300000 }
            signatures: "pinned-cwnd"
            signatures: "syn-flood"
            problems: "pinned-cwnd.yaml:9:5: unknown name 'socket.cwmd'\n    socket.cwmd <= 3\n    ^^^^^^^^^^^\n  did you mean 'socket.cwnd'?\n"
          )pb"),
          kNow, {}));
}

TEST(Lists, PolicyStatusNamesReceiversThatDoNotHear) {
  EXPECT_THAT(
      RenderPolicyStatus(
          FromText<v1::PolicyStatus>(R"pb(
            revision: "r1"
            receiver_problems: "oncall: connect to http://127.0.0.1:9093: refused; 2 wait for it"
          )pb"),
          kNow, {}),
      ::testing::EndsWith("\n\nNot every receiver of alerts hears; what waits for it is kept:\n"
                          "  oncall: connect to http://127.0.0.1:9093: refused; 2 wait for it\n"));
}

TEST(Lists, AnEmptyListSaysWhatThatMeansAndWhatToDoNext) {
  v1::ListIncidentsRequest closed_too;
  closed_too.set_include_closed(true);
  closed_too.set_host("web-1");
  ExpectGolden("empty_lists.txt", "== hosts\n" + RenderHosts({}, kNow, {}) +                  //
                                      "== incidents\n" + RenderIncidents({}, {}, kNow, {}) +  //
                                      "== incidents --all --host web-1\n" +                   //
                                      RenderIncidents({}, closed_too, kNow, {}) +             //
                                      "== audit\n" + RenderAudit({}, kNow, {}));
}

TEST(Lists, AChangeIsOneLine) {
  EXPECT_EQ(RenderIncidentLine(PinnedCwndRejected(), kNow, {}),
            "03:11:05 UTC  i-7f3a91c2  rejected  web-1  pinned-cwnd  203.0.113.20  Proposal "
            "p-51c09d rejected: backup window, the link is being replaced tonight\n");
}

TEST(Lists, HostileNamesCannotBreakALine) {
  v1::IncidentView view = PinnedCwndRejected();
  view.mutable_incident()->set_host("web\x1b[2J\n1");
  EXPECT_EQ(RenderIncidentLine(view, kNow, {}),
            "03:11:05 UTC  i-7f3a91c2  rejected  web\\x1b[2J\\n1  pinned-cwnd  203.0.113.20  "
            "Proposal p-51c09d rejected: backup window, the link is being replaced tonight\n");
}

}  // namespace
}  // namespace tcpmedic::cli
