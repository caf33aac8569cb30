// Why a drill found nothing: the agents' own account of where things stopped on the way to a
// finding, gathered over many scans. One scan alone may show a chance: a window without loss. Not
// thread-safe.
#ifndef TCPMEDIC_CLI_DRILL_SILENCE_H_
#define TCPMEDIC_CLI_DRILL_SILENCE_H_

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "tcpmedic/v1/operator.pb.h"

namespace tcpmedic::cli {

class Silence {
 public:
  explicit Silence(absl::string_view signature) : signature_(signature) {}

  // One host's newest account. Add only those of scans in which the signature had time to fire.
  void Add(const v1::Host& host);

  // The account that shows what stopped it most often; nullopt: none was added that stopped at
  // anything.
  std::optional<v1::SignatureActivity> MostOften() const;
  // The same in one line: "pinned-cwnd: 1 socket without `socket.cc == "cubic"` (…)".
  std::string Words() const;

 private:
  const std::string signature_;
  // By the text of the furthest stop, the one that came nearest to a finding: how often it was
  // seen, and the newest account of it.
  std::map<std::string, std::pair<int, v1::SignatureActivity>> stopped_at_;
};

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_CLI_DRILL_SILENCE_H_
