#include "lab/control_message.h"

#include <gtest/gtest.h>

namespace tcpmedic::lab {
namespace {

template <typename Body>
Body ThereAndBack(const Body& body) {
  const absl::StatusOr<ControlMessage> decoded = Decode(Encode(body));
  EXPECT_TRUE(decoded.ok()) << decoded.status();
  return std::get<Body>(*decoded);
}

TEST(ControlMessageTest, RunRequestSurvivesTheWire) {
  const RunRequest request = ThereAndBack(RunRequest{
      .id = 5,
      .host = HostRole::kServer,
      .argv = {"/bin/sh", "-c", "echo \"$ADDR\"\n\xc3\xa9"},
      .environment = {{"ADDR", "203.0.113.20"}, {"PORT", "5201"}},
  });
  EXPECT_EQ(request.id, 5);
  EXPECT_EQ(request.host, HostRole::kServer);
  EXPECT_EQ(request.argv, (std::vector<std::string>{"/bin/sh", "-c", "echo \"$ADDR\"\n\xc3\xa9"}));
  EXPECT_EQ(request.environment,
            (std::map<std::string, std::string>{{"ADDR", "203.0.113.20"}, {"PORT", "5201"}}));
}

TEST(ControlMessageTest, ReadySurvivesTheWireWithAll64Bits) {
  const Ready ready = ThereAndBack(Ready{.pid_namespace_inode = 4026531836,
                                         .client = {.inode = 1, .cookie = UINT64_MAX},
                                         .server = {.inode = UINT64_MAX - 1, .cookie = 3}});
  EXPECT_EQ(ready.pid_namespace_inode, 4026531836);
  EXPECT_EQ(ready.client.inode, 1);
  EXPECT_EQ(ready.client.cookie, UINT64_MAX);
  EXPECT_EQ(ready.server.inode, UINT64_MAX - 1);
  EXPECT_EQ(ready.server.cookie, 3);
}

TEST(ControlMessageTest, SmallMessagesReadAsTheyAreWritten) {
  EXPECT_EQ(Encode(SignalRequest{4, 15}), R"({"signal":{"id":4,"signal":15}})");
  EXPECT_EQ(Encode(Started{3}), R"({"started":{"id":3}})");
  EXPECT_EQ(Encode(Exited{4, {.code = 0, .signal = 9}}),
            R"({"exited":{"id":4,"status":{"code":0,"signal":9}}})");
  EXPECT_EQ(Encode(Failed{7, "unshare: EPERM"}),
            R"({"failed":{"code":7,"message":"unshare: EPERM"}})");
  EXPECT_EQ(ThereAndBack(Exited{4, {.code = 3}}).status, (ExitStatus{.code = 3}));
}

TEST(ControlMessageTest, WhatIsNoMessageIsDataLoss) {
  for (const char* text : {"", "{", "[]", "{}", R"({"start":{}})", R"({"started":{}})",
                           R"({"started":{"id":"3"}})", R"({"run":{"id":1,"argv":3}})"}) {
    EXPECT_EQ(Decode(text).status().code(), absl::StatusCode::kDataLoss) << text;
  }
}

TEST(ControlMessageTest, BytesThatAreNoUtf8DoNotEndTheLab) {
  EXPECT_TRUE(Decode(Encode(RunRequest{.id = 1, .argv = {"\xff\xfe"}})).ok());
}

}  // namespace
}  // namespace tcpmedic::lab
