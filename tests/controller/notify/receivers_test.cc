#include "controller/notify/receivers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace tcpmedic {
namespace {

using Kind = Receiver::Kind;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::vector<Receiver> Read(const std::string& yaml, std::vector<Issue>* issues) {
  const YamlFile file("controller.yaml", yaml, issues);
  EXPECT_TRUE(issues->empty()) << Format(*issues);
  return ReadReceivers(file, file.documents().front(), issues);
}

std::vector<std::string> Mistakes(const std::string& yaml) {
  std::vector<Issue> issues;
  Read(yaml, &issues);
  std::vector<std::string> mistakes;
  for (const Issue& issue : issues) {
    mistakes.push_back(
        absl::StrCat(issue.position.line, ":", issue.position.column, " ", issue.message));
  }
  return mistakes;
}

TEST(Receivers, OfAllKinds) {
  std::vector<Issue> issues;
  const std::vector<Receiver> receivers = Read(R"(
- name: oncall
  alertmanager:
    url: https://alerts.example.com/team/
    bearer_token_file: /etc/tcpmedic/secrets/alertmanager
    ca_file: /etc/tcpmedic/ca.pem
    repeat_every: 30s
- {name: chat, webhook: {url: "http://127.0.0.1:8080/hook?room=1"}}
- {name: journal, journald: {}}
)",
                                               &issues);
  EXPECT_THAT(issues, IsEmpty()) << Format(issues);
  ASSERT_THAT(receivers, SizeIs(3));
  EXPECT_EQ(receivers[0].name, "oncall");
  EXPECT_EQ(receivers[0].kind, Kind::kAlertmanager);
  EXPECT_EQ(receivers[0].url, "https://alerts.example.com/team/api/v2/alerts");
  EXPECT_EQ(receivers[0].bearer_token_file, "/etc/tcpmedic/secrets/alertmanager");
  EXPECT_EQ(receivers[0].ca_file, "/etc/tcpmedic/ca.pem");
  EXPECT_EQ(receivers[0].repeat_every, absl::Seconds(30));
  EXPECT_EQ(receivers[1].kind, Kind::kWebhook);
  EXPECT_EQ(receivers[1].url, "http://127.0.0.1:8080/hook?room=1");
  EXPECT_EQ(receivers[1].bearer_token_file, "");
  EXPECT_EQ(receivers[2].kind, Kind::kJournald);
}

TEST(Receivers, TheWholePathOfAnAlertmanagerIsUnderstoodToo) {
  std::vector<Issue> issues;
  EXPECT_EQ(
      Read("- {name: a, alertmanager: {url: \"http://[::1]:9093/api/v2/alerts\"}}", &issues)[0].url,
      "http://[::1]:9093/api/v2/alerts");
}

TEST(Receivers, EachMistakeHasItsPlace) {
  EXPECT_THAT(Mistakes("- {name: Chat, journald: {}}"),
              ElementsAre("1:10 'Chat' cannot be a receiver's name"));
  EXPECT_THAT(Mistakes("- {name: a, webhook: {url: chat.example.com}}"),
              ElementsAre("1:28 'chat.example.com' is not an http or https URL"));
  EXPECT_THAT(Mistakes("- {name: a, webhook: {url: \"ftp://x\"}}"), SizeIs(1));
  EXPECT_THAT(Mistakes("- {name: a, webhook: {url: \"https://u:secret@x/\"}}"),
              ElementsAre(HasSubstr("must not hold a password")));
  EXPECT_THAT(Mistakes("- {name: a, alertmanager: {url: \"http://x/?a=b\"}}"), SizeIs(1));
  EXPECT_THAT(Mistakes("- {name: a, webhook: {url: \"https://x\", ca_file: ca.pem}}"),
              ElementsAre(HasSubstr("must be an absolute path")));
  EXPECT_THAT(Mistakes("- {name: a, webhook: {url: \"https://x\", bearer_token: s}}"),
              ElementsAre(HasSubstr("bearer_token")));
  EXPECT_THAT(Mistakes("- {name: a, webhook: {url: \"https://x\", repeat_every: 1m}}"), SizeIs(1));
  EXPECT_THAT(Mistakes("- {name: a}"), ElementsAre(HasSubstr("exactly one of")));
  EXPECT_THAT(Mistakes("- {name: a, journald: {}, webhook: {url: \"https://x\"}}"),
              ElementsAre(HasSubstr("exactly one of")));
  EXPECT_THAT(Mistakes("- {name: a, journald: {}}\n- {name: a, journald: {}}"),
              ElementsAre("2:10 there are two receivers 'a'"));
  EXPECT_THAT(Mistakes("- oncall"), SizeIs(::testing::Ge(1)));
}

TEST(Receivers, ATokenGoesOutInClearTextOnlyToThisHost) {
  const auto with = [](const std::string& url) {
    return Mistakes(
        absl::StrCat("- {name: a, webhook: {url: \"", url, "\", bearer_token_file: /run/token}}"));
  };
  for (const std::string url : {"https://chat.example.com", "http://127.0.0.1:80/x",
                                "http://localhost:80", "http://[::1]:80"}) {
    EXPECT_THAT(with(url), IsEmpty()) << url;
  }
  for (const std::string url :
       {"http://chat.example.com", "http://localhost.evil.example", "http://10.0.0.1:9093"}) {
    EXPECT_THAT(with(url), ElementsAre(HasSubstr("clear text"))) << url;
  }
}

TEST(Receivers, ManyAreTooMany) {
  std::string yaml;
  for (int i = 0; i <= kMaxReceivers; ++i)
    absl::StrAppend(&yaml, "- {name: r", i, ", journald: {}}\n");
  EXPECT_THAT(Mistakes(yaml), ElementsAre(HasSubstr("more than 16 receivers")));
}

v1::Policy Naming(const std::string& notified, const std::string& alerted) {
  v1::Policy policy;
  policy.set_name("p");
  policy.add_notify(notified);
  policy.add_actions()->mutable_note()->set_text("…");
  policy.add_actions()->mutable_raise_alert()->add_receivers(alerted);
  return policy;
}

TEST(UnknownReceivers, AreNamedOnceForEachPolicyWithTheNearestName) {
  Receiver oncall;
  oncall.name = "oncall";
  EXPECT_THAT(UnknownReceivers({Naming("oncall", "oncall")}, {oncall}), IsEmpty());
  const auto issues =
      UnknownReceivers({Naming("oncal", "oncal"), Naming("oncall", "chat")}, {oncall});
  ASSERT_THAT(issues, SizeIs(2));
  EXPECT_EQ(issues[0].message, "policy p: no receiver 'oncal' is configured");
  EXPECT_EQ(issues[0].hint, "did you mean 'oncall'?");
  EXPECT_EQ(issues[1].message, "policy p: no receiver 'chat' is configured");
  EXPECT_EQ(issues[1].hint, "configured: oncall");
}

}  // namespace
}  // namespace tcpmedic
