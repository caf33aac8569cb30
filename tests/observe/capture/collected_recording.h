// A sink that keeps what readers of captures and of tcpdump's text hand on.
#ifndef TCPMEDIC_TESTS_OBSERVE_CAPTURE_COLLECTED_RECORDING_H_
#define TCPMEDIC_TESTS_OBSERVE_CAPTURE_COLLECTED_RECORDING_H_

#include <vector>

#include "tests/observe/recorded/ignoring_sink.h"

namespace tcpmedic {

struct PlacedSegment {
  Place place;
  CapturedSegment segment;
};

struct PlacedRelated {
  Place place;
  RelatedPacket packet;
};

class CollectedRecording : public IgnoringSink {
 public:
  void OnSegment(const Place& place, const CapturedSegment& segment) override {
    segments.push_back({place, segment});
  }
  void OnRelated(const Place& place, const RelatedPacket& packet) override {
    related.push_back({place, packet});
  }
  void OnUnread(const Unread& told) override { unread.push_back(told); }

  std::vector<PlacedSegment> segments;
  std::vector<PlacedRelated> related;
  std::vector<Unread> unread;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_TESTS_OBSERVE_CAPTURE_COLLECTED_RECORDING_H_
