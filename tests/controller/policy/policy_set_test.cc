#include "controller/policy/policy_set.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace tcpmedic {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const char kShippedPolicies[] = TCPMEDIC_SOURCE_DIR "/policies";
const char kData[] = TCPMEDIC_SOURCE_DIR "/tests/data/policy";

std::string ReadText(const fs::path& path) {
  std::ifstream in(path);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

PolicyFile Signature(const std::string& path, const std::string& name) {
  return {path, absl::StrCat("apiVersion: tcpmedic/v1\nkind: Signature\nmetadata: {name: ", name,
                             "}\n"
                             "spec:\n"
                             "  title: A title\n"
                             "  severity: warning\n"
                             "  subject: socket\n"
                             "  sockets: socket.cwnd > 1\n"
                             "  group_by: [netns]\n"
                             "  window: 5s\n"
                             "  verdict: A verdict\n"
                             "  advice: Some advice\n")};
}

PolicyFile NotePolicy(const std::string& path, const std::string& name,
                      const std::string& signature) {
  return {path,
          absl::StrCat("apiVersion: tcpmedic/v1\nkind: Policy\nmetadata: {name: ", name,
                       "}\nspec:\n  signature: ", signature, "\n  actions: [{note: leave it}]\n")};
}

// One golden per file: every mistake that people make, as they are shown it.
class MistakesTest : public ::testing::TestWithParam<std::string> {};

TEST_P(MistakesTest, AreShownAsInTheGolden) {
  const fs::path yaml = fs::path(kData) / (GetParam() + ".yaml");
  std::vector<Issue> issues;
  EXPECT_FALSE(ParsePolicyFiles({{GetParam() + ".yaml", ReadText(yaml)}}, &issues).has_value());

  const fs::path golden = fs::path(kData) / (GetParam() + ".issues");
  const std::string shown = Format(issues);
  if (std::getenv("UPDATE_GOLDEN") != nullptr) std::ofstream(golden) << shown;
  EXPECT_EQ(shown, ReadText(golden));
  EXPECT_FALSE(shown.empty());
}

std::vector<std::string> Mistakes() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(kData)) {
    if (entry.path().extension() == ".yaml") names.push_back(entry.path().stem());
  }
  std::sort(names.begin(), names.end());
  return names;
}

INSTANTIATE_TEST_SUITE_P(Files, MistakesTest, ::testing::ValuesIn(Mistakes()),
                         [](const auto& test) {
                           std::string name = test.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(PolicySet, ShippedPoliciesLoadWithoutMistakes) {
  std::vector<Issue> issues;
  const auto set = LoadPolicyDirectory(kShippedPolicies, &issues);
  ASSERT_TRUE(set.ok()) << set.status() << "\n" << Format(issues);
  EXPECT_THAT(issues, IsEmpty());
  std::vector<std::string> signatures;
  for (const auto& signature : set->signatures.signatures()) {
    signatures.push_back(signature.name());
  }
  EXPECT_THAT(signatures,
              ElementsAre("close-wait-leak", "handshake-half-open", "handshake-no-reply",
                          "handshake-refused", "handshake-unreachable", "pinned-cwnd",
                          "syn-backlog-too-small", "syn-flood-absorbed", "syn-flood-unprotected"));
  EXPECT_EQ(set->digest.size(), 64u);
  EXPECT_EQ(set->revision, "digest:" + set->digest.substr(0, 12));
  EXPECT_EQ(set->signatures.digest(), set->digest);
  EXPECT_EQ(set->signatures.revision(), set->revision);
}

TEST(PolicySet, ShippedPolicyIsReadAsWritten) {
  std::vector<Issue> issues;
  const auto set = LoadPolicyDirectory(kShippedPolicies, &issues);
  ASSERT_TRUE(set.ok()) << Format(issues);
  const auto shipped =
      std::find_if(set->policies.begin(), set->policies.end(),
                   [](const v1::Policy& policy) { return policy.name() == "lossy-path-to-bbr"; });
  ASSERT_NE(shipped, set->policies.end());

  v1::Policy expected;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"pb(
        name: "lossy-path-to-bbr"
        signature: "pinned-cwnd"
        order: 10
        when: "true"
        actions { set_congestion_control { algorithm: "bbr" scope: SCOPE_SOCKETS } }
        approval {
          mode: MODE_MANUAL
          quorum: 1
          expires { seconds: 3600 }
          covers { seconds: 3600 }
        }
        verify {
          after { seconds: 20 }
          expect: "after.goodput_bps >= 3.0 * before.goodput_bps && after.retrans_ratio < 0.15"
        }
        holdback_ratio: 0.1
        limits {
          hosts_at_once_ratio: 0.05
          targets_per_host: 200
          per_host_per_hour: 4
          cooldown { seconds: 600 }
        }
        notify: "oncall"
      )pb",
      &expected));
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(expected, *shipped))
      << shipped->DebugString();
}

TEST(PolicySet, SilentPolicyIsCautious) {
  std::vector<Issue> issues;
  const auto set =
      ParsePolicyFiles({Signature("s.yaml", "s"), NotePolicy("p.yaml", "p", "s")}, &issues);
  ASSERT_TRUE(set.has_value()) << Format(issues);

  v1::Policy expected;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(R"pb(
                                                              name: "p"
                                                              signature: "s"
                                                              order: 100
                                                              actions { note { text: "leave it" } }
                                                              approval {
                                                                mode: MODE_MANUAL
                                                                quorum: 1
                                                                expires { seconds: 3600 }
                                                              }
                                                              limits { targets_per_host: 1 }
                                                            )pb",
                                                            &expected));
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(expected, set->policies.at(0)))
      << set->policies.at(0).DebugString();
}

TEST(PolicySet, EveryActionOfTheCatalogueCanBeWritten) {
  std::vector<Issue> issues;
  const auto set = ParsePolicyFiles({Signature("s.yaml", "s"), {"p.yaml", R"(
apiVersion: tcpmedic/v1
kind: Signature
metadata: {name: n}
spec:
  title: A title
  severity: warning
  subject: netns
  when: netns.syn_drops > 0
  group_by: [netns]
  window: 5s
  verdict: A verdict
  advice: Some advice
---
apiVersion: tcpmedic/v1
kind: Policy
metadata: {name: p}
spec:
  signature: n
  actions:
    - set_sysctl: {net.ipv4.tcp_syncookies: 1, net.core.somaxconn: 4096}
    - raise_alert:
        receivers: [oncall, chat]
        summary: '{{ finding.title }} on {{ host.name }}'
        description: '{{ process.comm }}: {{ finding.verdict }}'
        labels: {team: storage}
    - note: watch it
  verify: {after: 20s, expect: 'true'}
  lease: {for: 2h, renew_while: netns.syncookies_sent_per_s > 1.0}
---
apiVersion: tcpmedic/v1
kind: Policy
metadata: {name: q}
spec:
  signature: process-leak
  actions: [{sample_call_sites: {duration: 10s}}]
---
apiVersion: tcpmedic/v1
kind: Signature
metadata: {name: process-leak}
spec:
  title: A title
  severity: warning
  subject: process
  sockets: socket.state == "close-wait"
  when: process.rises >= 5
  group_by: [process, listener]
  window: 5s
  verdict: A verdict
  advice: Some advice
)"}},
                                    &issues);
  ASSERT_TRUE(set.has_value()) << Format(issues);

  v1::Policy expected;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"pb(
        actions {
          set_sysctl {
            settings { name: "net.ipv4.tcp_syncookies" value: "1" }
            settings { name: "net.core.somaxconn" value: "4096" }
          }
        }
        actions {
          raise_alert {
            receivers: "oncall"
            receivers: "chat"
            summary: "{{ finding.title }} on {{ host.name }}"
            description: "{{ process.comm }}: {{ finding.verdict }}"
            labels { key: "team" value: "storage" }
          }
        }
        actions { note { text: "watch it" } }
        actions { sample_call_sites { duration { seconds: 10 } } }
      )pb",
      &expected));
  v1::Policy found;
  for (const v1::Policy& policy : set->policies)
    found.mutable_actions()->MergeFrom(policy.actions());
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(expected, found))
      << found.DebugString();
  EXPECT_EQ(set->signatures.signatures(0).subject(), v1::SUBJECT_NETNS);
  EXPECT_EQ(set->signatures.signatures(0).when(), "netns.syn_drops > 0");
  EXPECT_EQ(set->policies[0].lease().for_().seconds(), 7200);
  EXPECT_EQ(set->policies[0].lease().renew_while(), "netns.syncookies_sent_per_s > 1.0");
  // The two settings are two targets.
  EXPECT_EQ(set->policies[0].limits().targets_per_host(), 2);
  EXPECT_FALSE(set->policies[1].has_lease());
}

TEST(PolicySet, DigestIsOfPathsAndContentsWhateverTheOrder) {
  const PolicyFile a = Signature("a.yaml", "a");
  const PolicyFile b = Signature("b.yaml", "b");
  const auto digest = [](std::vector<PolicyFile> files) {
    std::vector<Issue> issues;
    const auto set = ParsePolicyFiles(std::move(files), &issues);
    EXPECT_THAT(issues, IsEmpty());
    return set.has_value() ? set->digest : "";
  };
  EXPECT_EQ(digest({a, b}), digest({b, a}));
  EXPECT_NE(digest({a, b}), digest({a}));
  EXPECT_NE(digest({a}), digest({{"c.yaml", a.content}}));
  EXPECT_NE(digest({a}), digest({{a.path, a.content + "# more\n"}}));
  // Cases test the files and are not in force.
  EXPECT_EQ(digest({a}), digest({a, {"cases/c.yaml", "kind: Cases"}}));
}

std::vector<std::string> MistakesIn(std::vector<PolicyFile> files) {
  std::vector<Issue> issues;
  EXPECT_FALSE(ParsePolicyFiles(std::move(files), &issues).has_value());
  std::vector<std::string> shown;
  for (const Issue& issue : issues) {
    shown.push_back(absl::StrCat(issue.file, ":", issue.position.line, ": ", issue.message,
                                 issue.hint.empty() ? "" : "; ", issue.hint));
  }
  return shown;
}

TEST(PolicySet, NameGivenTwiceIsAMistakeInTheSecondFile) {
  EXPECT_THAT(MistakesIn({Signature("b.yaml", "s"), Signature("a.yaml", "s")}),
              ElementsAre("b.yaml:3: there is already a signature 's', at a.yaml:3"));
}

TEST(PolicySet, SignatureAndPolicyMayShareAName) {
  std::vector<Issue> issues;
  EXPECT_TRUE(ParsePolicyFiles({Signature("s.yaml", "s"), NotePolicy("p.yaml", "s", "s")}, &issues))
      << Format(issues);
}

TEST(PolicySet, SignatureInAnotherFileIsFoundAndAMisspeltOneIsGuessed) {
  EXPECT_THAT(
      MistakesIn({Signature("s.yaml", "pinned-cwnd"), NotePolicy("p.yaml", "p", "pinned-cwdn")}),
      ElementsAre("p.yaml:5: there is no signature 'pinned-cwdn'; did you mean 'pinned-cwnd'?"));
}

TEST(PolicySet, OneBadFileTakesNothing) {
  std::vector<PolicyFile> files = {Signature("good.yaml", "good"),
                                   {"bad.yaml", "kind: Signatur\n"}};
  std::vector<Issue> issues;
  EXPECT_FALSE(ParsePolicyFiles(files, &issues).has_value());
  for (const Issue& issue : issues) EXPECT_EQ(issue.file, "bad.yaml");
}

TEST(PolicySet, NoFilesAreAnEmptySet) {
  std::vector<Issue> issues;
  const auto set = ParsePolicyFiles({}, &issues);
  ASSERT_TRUE(set.has_value());
  EXPECT_THAT(set->signatures.signatures(), IsEmpty());
  EXPECT_THAT(set->policies, IsEmpty());
}

// What a slip of the hand can make of the shipped files: never a crash, and every mistake has a
// place.
TEST(PolicySet, DamagedFilesAreReportedInPlace) {
  for (const char* path :
       {"signatures/pinned-cwnd.yaml", "responses/lossy-path-to-bbr.yaml",
        "signatures/syn-flood-unprotected.yaml", "responses/syn-flood-to-syncookies.yaml"}) {
    const std::string text = ReadText(fs::path(kShippedPolicies) / path);
    ASSERT_FALSE(text.empty());
    const std::string slips = "'\"{[:#>|&*!\n\\-";
    for (size_t at = 0; at < text.size(); at += 5) {
      std::string damaged = text;
      damaged[at] = slips[at / 5 % slips.size()];
      for (const std::string& content : {damaged, text.substr(0, at)}) {
        std::vector<Issue> issues;
        ParsePolicyFiles({{path, content}}, &issues);
        for (const Issue& issue : issues) {
          EXPECT_EQ(issue.file, path);
          EXPECT_GE(issue.position.line, 1) << Format(issue);
          EXPECT_GE(issue.position.column, 1) << Format(issue);
          EXPECT_LE(issue.position.column, static_cast<int>(issue.line.size()) + 1)
              << Format(issue);
        }
      }
    }
  }
}

TEST(PolicySet, LoadingNamesTheFileWhereItLies) {
  std::vector<Issue> issues;
  const auto set = LoadPolicyDirectory(kData, &issues);
  EXPECT_EQ(set.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(set.status().message()), HasSubstr("mistakes"));
  ASSERT_FALSE(issues.empty());
  EXPECT_THAT(issues[0].file, HasSubstr(std::string(kData) + "/"));
}

}  // namespace
}  // namespace tcpmedic
