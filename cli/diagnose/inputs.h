// The files that a user names, each read by what it turns out to be. The thin shell around the
// readers: it opens, looks at the first bytes, and hands on.
#ifndef TCPMEDIC_CLI_DIAGNOSE_INPUTS_H_
#define TCPMEDIC_CLI_DIAGNOSE_INPUTS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "cli/diagnose/diagnosis_view.h"
#include "cli/diagnose/reading_progress.h"
#include "observe/recorded/recording.h"

namespace tcpmedic::cli {

// Whether they can be read, before any of them is: "-" is the standard input, and may stand once.
// InvalidArgument: one sentence on the first that is missing, a directory, a device or not ours to
// read, or that stands there twice (also under two names: all in it would count twice).
absl::Status CheckInputs(const std::vector<std::string>& names);

// Reads all of them, in their order, into `sink`. What is no evidence, or no longer what it was, is
// one Unread. Errors: read(2) failed, named as "read incident.pcap: EIO".
// `any_capture`: whether one of them was read as a capture, whose places are packets, not lines.
absl::Status ReadInputs(const std::vector<std::string>& names, RecordingSink* sink,
                        ReadingProgress* progress, bool* any_capture);

// Counts what passes on its way to another.
class CountingSink : public RecordingSink {
 public:
  explicit CountingSink(RecordingSink* next) : next_(next) {}

  void OnCommand(const RecordedCommand& command) override { next_->OnCommand(command); }
  void OnSocket(const RecordedSocket& socket) override {
    ++read_.sockets;
    next_->OnSocket(socket);
  }
  void OnCounter(const RecordedCounter& counter) override {
    ++read_.counters;
    next_->OnCounter(counter);
  }
  void OnCount(const RecordedCount& count) override {
    ++read_.counts;
    next_->OnCount(count);
  }
  void OnProcess(const RecordedProcess& process) override {
    ++read_.processes;
    next_->OnProcess(process);
  }
  void OnSegment(const Place& place, const CapturedSegment& segment) override {
    ++read_.segments;
    next_->OnSegment(place, segment);
  }
  void OnRelated(const Place& place, const RelatedPacket& related) override {
    next_->OnRelated(place, related);
  }
  void OnUnread(const Unread& unread) override { next_->OnUnread(unread); }

  const EvidenceRead& read() const { return read_; }

 private:
  RecordingSink* const next_;
  EvidenceRead read_;
};

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_CLI_DIAGNOSE_INPUTS_H_
