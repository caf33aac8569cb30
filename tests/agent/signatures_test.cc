#include "agent/signatures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tcpmedic {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

v1::SignatureSet SetOf(const std::string& revision, const std::vector<std::string>& expressions) {
  v1::SignatureSet set;
  set.set_revision(revision);
  set.set_digest("digest of " + revision);
  for (const std::string& expression : expressions) {
    v1::Signature* signature = set.add_signatures();
    signature->set_name("s" + std::to_string(set.signatures_size()));
    signature->set_title("t");
    signature->set_severity(v1::SEVERITY_WARNING);
    signature->set_subject(v1::SUBJECT_SOCKET);
    signature->set_sockets(expression);
    signature->add_group_by("netns");
    signature->mutable_window()->set_seconds(5);
    signature->set_verdict("v");
  }
  return set;
}

constexpr char kGood[] = "socket.state == \"established\"";
constexpr char kWrong[] = "socket.stat == \"established\"";

TEST(SignatureInboxTest, NewestGoodSetIsTakenOnce) {
  StatusBoard board;
  SignatureInbox inbox(&board);
  ASSERT_TRUE(inbox.Offer(SetOf("r1", {kGood})).ok());
  ASSERT_TRUE(inbox.Offer(SetOf("r2", {kGood, kGood})).ok());
  const std::optional<CompiledSet> taken = inbox.Take();
  ASSERT_TRUE(taken.has_value());
  EXPECT_EQ(taken->revision, "r2");
  EXPECT_EQ(taken->digest, "digest of r2");
  EXPECT_EQ(taken->signatures.size(), 2u);
  EXPECT_FALSE(inbox.Take().has_value());
}

TEST(SignatureInboxTest, SetWithAMistakeIsRefusedWholeAndShownUntilAGoodOneComes) {
  StatusBoard board;
  SignatureInbox inbox(&board);
  const absl::Status refused = inbox.Offer(SetOf("r1", {kGood, kWrong}));
  EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_FALSE(inbox.Take().has_value());
  EXPECT_THAT(board.Problems(), ElementsAre(HasSubstr("s2: ")));
  EXPECT_THAT(board.Problems(), ElementsAre(HasSubstr("socket.stat")));

  ASSERT_TRUE(inbox.Offer(SetOf("r2", {kGood})).ok());
  EXPECT_THAT(board.Problems(), IsEmpty());
}

TEST(SignatureInboxTest, RefusedSetDoesNotTakeAwayTheOneThatWaits) {
  StatusBoard board;
  SignatureInbox inbox(&board);
  ASSERT_TRUE(inbox.Offer(SetOf("r1", {kGood})).ok());
  EXPECT_FALSE(inbox.Offer(SetOf("r2", {kWrong})).ok());
  EXPECT_EQ(inbox.Take()->revision, "r1");
}

TEST(SignatureInboxTest, TooManySignaturesAreRefused) {
  StatusBoard board;
  SignatureInbox inbox(&board);
  const v1::SignatureSet set = SetOf("r1", std::vector<std::string>(kMaxSignatures + 1, kGood));
  EXPECT_EQ(inbox.Offer(set).code(), absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace tcpmedic
