// A sink that ignores all it is told: a base for those that look at one kind of record.
#ifndef TCPMEDIC_TESTS_OBSERVE_RECORDED_IGNORING_SINK_H_
#define TCPMEDIC_TESTS_OBSERVE_RECORDED_IGNORING_SINK_H_

#include "observe/recorded/recording.h"

namespace tcpmedic {

class IgnoringSink : public RecordingSink {
 public:
  void OnCommand(const RecordedCommand&) override {}
  void OnSocket(const RecordedSocket&) override {}
  void OnCounter(const RecordedCounter&) override {}
  void OnCount(const RecordedCount&) override {}
  void OnProcess(const RecordedProcess&) override {}
  void OnSegment(const Place&, const CapturedSegment&) override {}
  void OnRelated(const Place&, const RelatedPacket&) override {}
  void OnUnread(const Unread&) override {}
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_TESTS_OBSERVE_RECORDED_IGNORING_SINK_H_
