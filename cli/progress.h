// What a long command is doing now, on standard error: one line that is rewritten on a terminal,
// one line per change elsewhere. Not thread-safe.
#ifndef TCPMEDIC_CLI_PROGRESS_H_
#define TCPMEDIC_CLI_PROGRESS_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "cli/render/text.h"

namespace tcpmedic::cli {

class Progress {
 public:
  Progress(const Style& style, bool terminal);
  ~Progress();  // ends the line that is being rewritten

  // A step begins; the one before it is done.
  void Step(absl::string_view text);
  // What the present step shows at its end, on a terminal only: "7 s, 0.81 Mbit/s".
  void Detail(absl::string_view text);
  void Done();
  // The present step is over and did not come to a good end.
  void Failed();

 private:
  void Draw();
  void End(Paint paint, absl::string_view mark);

  const Style style_;
  const bool terminal_;
  std::string step_;
  std::string detail_;
  absl::Time step_began_;
};

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_CLI_PROGRESS_H_
