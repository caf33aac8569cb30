// A sink that aborts where a reader hands on what no reader may: a fuzz target finds it.
#ifndef TCPMEDIC_TESTS_FUZZ_CHECKING_SINK_H_
#define TCPMEDIC_TESTS_FUZZ_CHECKING_SINK_H_

#include <cstdint>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "observe/recorded/recording.h"

namespace tcpmedic {

// Places lie within the input, texts can be printed and stored, numbers are numbers, and nothing
// grows without bound.
class CheckingSink : public RecordingSink {
 public:
  explicit CheckingSink(int64_t lines) : lines_(lines) {}

  void OnCommand(const RecordedCommand& command) override;
  void OnSocket(const RecordedSocket& socket) override;
  void OnCounter(const RecordedCounter& counter) override;
  void OnCount(const RecordedCount& count) override;
  void OnProcess(const RecordedProcess& process) override;
  void OnSegment(const Place& place, const CapturedSegment& segment) override;
  void OnRelated(const Place& place, const RelatedPacket& related) override;
  void OnUnread(const Unread& unread) override;

 private:
  void CheckPlace(const Place& place, int64_t least) const;

  const int64_t lines_;
  int64_t unread_ = 0;
};

// How many lines the text has, a last one without an end included.
int64_t LinesIn(absl::string_view text);
// Gives each line of the text, numbered from 1.
void ForEachLine(absl::string_view text,
                 absl::FunctionRef<void(int64_t number, absl::string_view line)> take);

}  // namespace tcpmedic

#endif  // TCPMEDIC_TESTS_FUZZ_CHECKING_SINK_H_
