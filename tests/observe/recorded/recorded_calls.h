// A sink that writes down what it was told, one line for each call, so that a test compares the
// whole of it.
#ifndef TCPMEDIC_TESTS_OBSERVE_RECORDED_RECORDED_CALLS_H_
#define TCPMEDIC_TESTS_OBSERVE_RECORDED_RECORDED_CALLS_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "observe/recorded/recording.h"

namespace tcpmedic {

class RecordedCalls : public RecordingSink {
 public:
  void OnCommand(const RecordedCommand& command) override;
  void OnSocket(const RecordedSocket& socket) override;
  void OnCounter(const RecordedCounter& counter) override;
  void OnCount(const RecordedCount& count) override;
  void OnProcess(const RecordedProcess& process) override;
  void OnSegment(const Place& place, const CapturedSegment& segment) override;
  void OnRelated(const Place& place, const RelatedPacket& related) override;
  void OnUnread(const Unread& unread) override;

  // "3 socket close-wait 10.0.0.5:44120 203.0.113.20:443 rq=1 cubic tcpi_rtt=148200": the line, and
  // of a socket what is not 0 or was reported.
  const std::vector<std::string>& calls() const { return calls_; }
  // The sockets as they came.
  const std::vector<RecordedSocket>& sockets() const { return sockets_; }

 private:
  std::vector<std::string> calls_;
  std::vector<RecordedSocket> sockets_;
};

// What the whole text gives, through a pipe that ReadText reads.
std::vector<std::string> CallsOf(absl::string_view text);
std::vector<RecordedSocket> SocketsOf(absl::string_view text);

// tcp_info's members that are reported, in the struct's order: "tcpi_rtt=148200 …".
std::string TcpInfoText(const TcpInfo& info);

}  // namespace tcpmedic

#endif  // TCPMEDIC_TESTS_OBSERVE_RECORDED_RECORDED_CALLS_H_
