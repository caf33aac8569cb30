#include "lab/control_channel.h"

#include <gtest/gtest.h>

namespace tcpmedic::lab {
namespace {

class ControlChannelTest : public ::testing::Test {
 protected:
  std::pair<ControlChannel, ControlChannel> ends_ = *ControlChannel::CreatePair();
};

TEST_F(ControlChannelTest, MessagesArriveInOrderWithTheirSendersPid) {
  ASSERT_EQ(ends_.first.Send(Started{1}), absl::OkStatus());
  ASSERT_EQ(ends_.first.Send(Started{2}), absl::OkStatus());
  for (const int id : {1, 2}) {
    const absl::StatusOr<std::optional<ReceivedMessage>> received = ends_.second.Receive();
    ASSERT_TRUE(received.ok()) << received.status();
    EXPECT_EQ(std::get<Started>((*received)->message).id, id);
    EXPECT_EQ((*received)->sender_pid, getpid());
  }
  EXPECT_EQ(ends_.second.Receive()->has_value(), false);
}

TEST_F(ControlChannelTest, DescriptorsTravelWithTheirMessage) {
  int pipe_fds[2];
  ASSERT_EQ(pipe(pipe_fds), 0);
  const UniqueFd reading(pipe_fds[0]);
  const UniqueFd writing(pipe_fds[1]);
  ASSERT_EQ(ends_.first.Send(Started{1}, {reading.get(), writing.get()}), absl::OkStatus());
  const absl::StatusOr<std::optional<ReceivedMessage>> received = ends_.second.Receive();
  ASSERT_TRUE(received.ok()) << received.status();
  ASSERT_EQ((*received)->fds.size(), 2);
  ASSERT_EQ(write((*received)->fds[1].get(), "x", 1), 1);
  char byte = 0;
  EXPECT_EQ(read(reading.get(), &byte, 1), 1);
  EXPECT_EQ(byte, 'x');
}

TEST_F(ControlChannelTest, TheEndOfOneSideIsSeenAfterAllItSaid) {
  ASSERT_EQ(ends_.first.Send(Started{1}), absl::OkStatus());
  { const ControlChannel gone = std::move(ends_.first); }
  EXPECT_TRUE(ends_.second.Receive()->has_value());
  EXPECT_EQ(ends_.second.Receive().status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ends_.second.Send(Started{1}).code(), absl::StatusCode::kUnavailable);
}

TEST_F(ControlChannelTest, ShutdownEndsBothSides) {
  ends_.first.Shutdown();
  EXPECT_EQ(ends_.first.Receive().status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ends_.second.Receive().status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(ControlChannelTest, TooLongAMessageIsRefused) {
  EXPECT_EQ(ends_.first.Send(RunRequest{.argv = {std::string(kMaxMessageBytes, 'x')}}).code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ends_.first.Send(RunRequest{.argv = {std::string(kMaxMessageBytes - 1024, 'x')}}),
            absl::OkStatus());
}

}  // namespace
}  // namespace tcpmedic::lab
