// A sink for fuzz targets: counts what it is told, and aborts where segments are out of order or a
// text is not fit for a terminal.
#ifndef TCPMEDIC_TESTS_FUZZ_ORDERED_SINK_H_
#define TCPMEDIC_TESTS_FUZZ_ORDERED_SINK_H_

#include <cstdint>
#include <cstdlib>

#include "observe/printable.h"
#include "tests/observe/recorded/ignoring_sink.h"

namespace tcpmedic {

class OrderedSink : public IgnoringSink {
 public:
  void OnSegment(const Place& place, const CapturedSegment&) override {
    if (place.line <= last_) abort();
    last_ = place.line;
    ++segments_;
  }
  void OnUnread(const Unread& unread) override {
    if (unread.reason.empty() || unread.lines < 1) abort();
    if (Printable(unread.reason) != unread.reason || Printable(unread.excerpt) != unread.excerpt) {
      abort();
    }
    unread_ += unread.lines;
  }

  int64_t segments() const { return segments_; }
  int64_t unread() const { return unread_; }

 private:
  int64_t last_ = 0;
  int64_t segments_ = 0;
  int64_t unread_ = 0;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_TESTS_FUZZ_ORDERED_SINK_H_
