#include "controller/store/audit_chain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

namespace tcpmedic {
namespace {

using ::testing::HasSubstr;

// Five entries after the given link.
std::vector<v1::AuditEntry> FiveAfter(ChainLink link) {
  std::vector<v1::AuditEntry> entries;
  for (int i = 0; i < 5; ++i) {
    v1::AuditEntry entry;
    entry.mutable_at()->set_seconds(100 + i);
    entry.set_actor("ann");
    entry.set_action("rejected");
    entry.set_subject("i-1");
    entry.set_detail("because");
    entries.push_back(Chain(link, entry));
    link = LinkOf(entries.back());
  }
  return entries;
}

TEST(AuditChain, AnUntouchedChainIsWhole) {
  const auto entries = FiveAfter({});
  EXPECT_TRUE(VerifyChain({}, entries, LinkOf(entries.back())).ok());
  EXPECT_TRUE(VerifyChain({}, {}, {}).ok());
  EXPECT_EQ(entries[0].sequence(), 1);
  EXPECT_EQ(entries[4].sequence(), 5);
}

TEST(AuditChain, ForgettingTheOldestKeepsItWhole) {
  auto entries = FiveAfter({});
  const ChainLink before = LinkOf(entries[1]);
  const ChainLink head = LinkOf(entries.back());
  entries.erase(entries.begin(), entries.begin() + 2);
  EXPECT_TRUE(VerifyChain(before, entries, head).ok());
}

TEST(AuditChain, EveryTamperingIsNoticed) {
  using Entries = std::vector<v1::AuditEntry>;
  struct Case {
    std::string name;
    std::function<void(Entries&)> tamper;
    std::string message;
  };
  for (const Case& c : std::vector<Case>{
           {"actor", [](Entries& e) { e[2].set_actor("bob"); }, "audit entry 3 is not"},
           {"action", [](Entries& e) { e[2].set_action("approved"); }, "audit entry 3 is not"},
           {"subject", [](Entries& e) { e[2].set_subject("i-2"); }, "audit entry 3 is not"},
           {"detail", [](Entries& e) { e[2].set_detail(""); }, "audit entry 3 is not"},
           {"time", [](Entries& e) { e[2].mutable_at()->set_nanos(1); }, "audit entry 3 is not"},
           {"a byte moved between fields",
            [](Entries& e) { e[2].set_actor("annr"), e[2].set_action("ejected"); },
            "audit entry 3 is not"},
           {"re-hashed alone",
            [](Entries& e) {
              e[2].set_detail("forged");
              e[2] = Chain(LinkOf(e[1]), e[2]);
            },
            "audit entry 4 is not"},
           {"removed", [](Entries& e) { e.erase(e.begin() + 2); }, "audit entry 3 is missing"},
           {"swapped", [](Entries& e) { std::swap(e[2], e[3]); }, "audit entry 3 is missing"},
           {"newest removed", [](Entries& e) { e.pop_back(); }, "ends with entry 4, but 5"},
           {"oldest removed", [](Entries& e) { e.erase(e.begin()); }, "audit entry 1 is missing"},
       }) {
    SCOPED_TRACE(c.name);
    Entries entries = FiveAfter({});
    const ChainLink head = LinkOf(entries.back());
    c.tamper(entries);
    const absl::Status verdict = VerifyChain({}, entries, head);
    EXPECT_EQ(verdict.code(), absl::StatusCode::kDataLoss);
    EXPECT_THAT(std::string(verdict.message()), HasSubstr(c.message));
  }
}

}  // namespace
}  // namespace tcpmedic
