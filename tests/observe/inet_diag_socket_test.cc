#include "observe/inet_diag_socket.h"

#include <gtest/gtest.h>
#include <linux/sock_diag.h>

#include <cerrno>
#include <deque>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "tests/observe/inet_diag_message.h"

namespace tcpmedic {
namespace {

// One netlink message, with the sequence number still to be filled in.
std::string Message(uint16_t type, absl::string_view payload, uint16_t flags = 0) {
  nlmsghdr header{};
  header.nlmsg_len = NLMSG_HDRLEN + payload.size();
  header.nlmsg_type = type;
  header.nlmsg_flags = NLM_F_MULTI | flags;
  std::string bytes(reinterpret_cast<const char*>(&header), sizeof(header));
  bytes.append(payload.data(), payload.size());
  bytes.resize(NLMSG_ALIGN(bytes.size()));
  return bytes;
}

std::string Socket(uint64_t cookie, uint16_t flags = 0, uint16_t type = TCPDIAG_GETSOCK) {
  return Message(type, InetDiagMessage().Cookie(cookie).Bytes(), flags);
}

std::string Ending(uint16_t type, int error) {
  const int32_t negated = -error;
  return Message(type, absl::string_view(reinterpret_cast<const char*>(&negated), 4));
}
std::string Done(int error = 0) { return Ending(NLMSG_DONE, error); }
std::string Error(int error) { return Ending(NLMSG_ERROR, error); }

// Plays one answer per request, datagram by datagram, and writes down what was asked.
class ScriptedChannel : public NetlinkChannel {
 public:
  using Datagram = std::variant<std::string, absl::Status>;
  using Answer = std::vector<Datagram>;

  explicit ScriptedChannel(std::vector<Answer> answers, std::vector<std::string>* asked)
      : answers_(answers.begin(), answers.end()), asked_(asked) {}

  uint64_t netns_cookie() const override { return 42; }

  absl::StatusOr<uint32_t> Send(nlmsghdr* message) override {
    message->nlmsg_seq = ++sequence_;
    const auto* legacy = static_cast<const inet_diag_req*>(NLMSG_DATA(message));
    const auto* modern = static_cast<const inet_diag_req_v2*>(NLMSG_DATA(message));
    if (message->nlmsg_type == TCPDIAG_GETSOCK) {
      asked_->push_back("all families, states " + std::to_string(legacy->idiag_states));
    } else {
      asked_->push_back("family " + std::to_string(modern->sdiag_family) + ", states " +
                        std::to_string(modern->idiag_states));
    }
    if (!answers_.empty()) {
      for (const Datagram& datagram : answers_.front()) pending_.push_back({sequence_, datagram});
      answers_.pop_front();
    }
    return sequence_;
  }

  absl::StatusOr<absl::Span<char>> Receive() override {
    if (pending_.empty()) return absl::UnavailableError("no answer");
    const auto [sequence, datagram] = pending_.front();
    pending_.pop_front();
    if (const auto* status = std::get_if<absl::Status>(&datagram)) return *status;
    const std::string& bytes = std::get<std::string>(datagram);
    buffer_.assign(bytes.begin(), bytes.end());
    for (size_t at = 0; at + sizeof(nlmsghdr) <= buffer_.size();) {
      auto* header = reinterpret_cast<nlmsghdr*>(buffer_.data() + at);
      header->nlmsg_seq = sequence;
      if (header->nlmsg_len < sizeof(nlmsghdr)) break;
      at += NLMSG_ALIGN(header->nlmsg_len);
    }
    return absl::MakeSpan(buffer_);
  }

 private:
  std::deque<Answer> answers_;
  std::vector<std::string>* asked_;
  std::deque<std::pair<uint32_t, Datagram>> pending_;
  uint32_t sequence_ = 0;
  std::vector<char> buffer_;
};

// A dump's whole outcome as text, to be compared at once.
class Dumped {
 public:
  explicit Dumped(std::vector<ScriptedChannel::Answer> answers)
      : socket_(std::make_unique<ScriptedChannel>(std::move(answers), &asked_)) {}

  std::string Dump(TcpStateMask states = kAllTcpStates) {
    std::string visited;
    const auto stats = socket_.Dump({.states = states}, [&](const SocketSample& sample) {
      EXPECT_EQ(sample.key.netns_cookie, 42u);
      visited += std::to_string(sample.key.cookie) + " ";
    });
    if (!stats.ok()) return visited + stats.status().ToString();
    return visited + "sockets=" + std::to_string(stats->sockets) +
           " malformed=" + std::to_string(stats->malformed_messages) +
           " interruptions=" + std::to_string(stats->interruptions);
  }
  const std::vector<std::string>& asked() const { return asked_; }

 private:
  std::vector<std::string> asked_;
  InetDiagSocket socket_;
};

TEST(InetDiagSocket, OneRequestShowsAllFamiliesAcrossDatagrams) {
  Dumped dumped({{Socket(1) + Socket(2), Socket(3), Done()}});
  EXPECT_EQ(dumped.Dump(), "1 2 3 sockets=3 malformed=0 interruptions=0");
  EXPECT_EQ(dumped.asked(), std::vector<std::string>({"all families, states 8190"}));
}

TEST(InetDiagSocket, NoStateSelectsNothingAndAsksNothing) {
  Dumped dumped({{Socket(1), Done()}});
  EXPECT_EQ(dumped.Dump(0), "sockets=0 malformed=0 interruptions=0");
  EXPECT_TRUE(dumped.asked().empty());
}

TEST(InetDiagSocket, HalfOpenConnectionsAreAskedForUnderBothTheirStates) {
  Dumped dumped({{Done()}});
  dumped.Dump(MaskOf(TcpState::kSynRecv));
  EXPECT_EQ(dumped.asked(), std::vector<std::string>({"all families, states 4104"}));
}

TEST(InetDiagSocket, AKernelWithoutTheOldRequestIsAskedOncePerFamilyFromThenOn) {
  Dumped dumped({{Error(EINVAL)},
                 {Socket(4, 0, SOCK_DIAG_BY_FAMILY), Done()},
                 {Socket(6, 0, SOCK_DIAG_BY_FAMILY), Done()},
                 {Done()},
                 {Done()}});
  EXPECT_EQ(dumped.Dump(MaskOf(TcpState::kListen)), "4 6 sockets=2 malformed=0 interruptions=0");
  dumped.Dump(MaskOf(TcpState::kListen));
  EXPECT_EQ(dumped.asked(),
            std::vector<std::string>({"all families, states 1024", "family 2, states 1024",
                                      "family 10, states 1024", "family 2, states 1024",
                                      "family 10, states 1024"}));
}

TEST(InetDiagSocket, AKernelWithoutIpv6StillShowsIpv4) {
  Dumped dumped({{Done(ENOENT)}, {Socket(4, 0, SOCK_DIAG_BY_FAMILY), Done()}, {Error(ENOENT)}});
  EXPECT_EQ(dumped.Dump(), "4 sockets=1 malformed=0 interruptions=0");
}

TEST(InetDiagSocket, AnInterruptedDumpIsRetriedAndCounted) {
  Dumped dumped({{Socket(1, NLM_F_DUMP_INTR), Done()}, {Socket(1), Socket(2), Done()}});
  EXPECT_EQ(dumped.Dump(), "1 1 2 sockets=3 malformed=0 interruptions=1");
}

TEST(InetDiagSocket, ADumpThatStaysInterruptedEndsAfterThreeAttempts) {
  const ScriptedChannel::Answer interrupted = {
      Socket(1), Message(NLMSG_DONE, absl::string_view("\0\0\0\0", 4), NLM_F_DUMP_INTR)};
  Dumped dumped({interrupted, interrupted, interrupted, interrupted});
  EXPECT_EQ(dumped.Dump(), "1 1 1 sockets=3 malformed=0 interruptions=3");
  EXPECT_EQ(dumped.asked().size(), 3u);
}

TEST(InetDiagSocket, MalformedMessagesAreSkippedAndCounted) {
  const std::string short_message = Message(TCPDIAG_GETSOCK, "too short");
  const std::string cut = Socket(9).substr(0, 40);
  Dumped dumped({{Socket(1) + short_message + Socket(2) + cut, Done()}});
  EXPECT_EQ(dumped.Dump(), "1 2 sockets=2 malformed=2 interruptions=0");
}

TEST(InetDiagSocket, RefusalsNameTheErrno) {
  Dumped denied({{Error(EPERM)}});
  EXPECT_EQ(denied.Dump(), "PERMISSION_DENIED: inet_diag dump: EPERM");
  Dumped unknown({{Error(ENOENT)}, {Error(ENOENT)}});
  EXPECT_EQ(unknown.Dump(), "UNAVAILABLE: inet_diag dump: ENOENT");
  Dumped cut({{Message(NLMSG_ERROR, "")}});
  EXPECT_EQ(cut.Dump(), "UNAVAILABLE: inet_diag dump: EBADMSG");
}

TEST(InetDiagSocket, AfterAFailureTheRestOfThatDumpIsReadAndNotShown) {
  Dumped dumped({{Socket(1), absl::DataLossError("larger than the buffer"), Socket(2), Done()},
                 {Socket(3), Done()}});
  EXPECT_EQ(dumped.Dump(), "1 DATA_LOSS: larger than the buffer");
  EXPECT_EQ(dumped.Dump(), "3 sockets=1 malformed=0 interruptions=0");
}

TEST(InetDiagSocket, ALostEndIsWaitedForOnlyOnce) {
  Dumped dumped({{Socket(1)}, {Socket(2), Done()}});
  EXPECT_EQ(dumped.Dump(), "1 UNAVAILABLE: no answer");
  EXPECT_EQ(dumped.Dump(), "UNAVAILABLE: no answer");
  EXPECT_EQ(dumped.Dump(), "2 sockets=1 malformed=0 interruptions=0");
}

TEST(InetDiagSocket, MessagesOfAnotherDumpAreIgnored) {
  // The third answer comes while the first one's tail is still in the queue.
  Dumped dumped(
      {{Socket(1), absl::UnavailableError("late"), absl::UnavailableError("late"), Socket(2)},
       {Socket(3), Done()}});
  EXPECT_EQ(dumped.Dump(), "1 UNAVAILABLE: late");
  EXPECT_EQ(dumped.Dump(), "UNAVAILABLE: late");
  EXPECT_EQ(dumped.Dump(), "3 sockets=1 malformed=0 interruptions=0");
}

}  // namespace
}  // namespace tcpmedic
