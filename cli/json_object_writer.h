// An object of JSON in pieces: the bytes that PrintJson would give of the whole, without the whole
// ever being held. For answers whose lists are long. Not thread-safe.
#ifndef TCPMEDIC_CLI_JSON_OBJECT_WRITER_H_
#define TCPMEDIC_CLI_JSON_OBJECT_WRITER_H_

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace tcpmedic::cli {

class JsonObjectWriter {
 public:
  // Takes the next piece of the text. After its first error it is not called again.
  using Write = std::function<absl::Status(absl::string_view piece)>;

  explicit JsonObjectWriter(Write write);

  // Names are the caller's to keep apart.
  void Member(absl::string_view name, const nlohmann::ordered_json& value);
  // A member that is a list: its elements follow, up to the next member or the end.
  void BeginList(absl::string_view name);
  void Element(const nlohmann::ordered_json& value);
  // With a newline at its end, as PrintJson. Errors: the first of `write`.
  absl::Status Finish();

  // False: what still follows goes nowhere.
  bool ok() const { return status_.ok(); }

 private:
  void Begin(absl::string_view name);
  void EndList();
  void Put(absl::string_view piece);

  const Write write_;
  absl::Status status_;
  bool has_members_ = false;
  bool in_list_ = false, list_has_elements_ = false;
};

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_CLI_JSON_OBJECT_WRITER_H_
