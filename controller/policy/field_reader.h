// Reads the fields of one YAML map as the types that policy files use, and turns everything that
// does not fit into an Issue: unknown, missing or mistyped fields, wrong words, numbers without a
// unit. Not thread-safe; lives while one map is read.
#ifndef TCPMEDIC_CONTROLLER_POLICY_FIELD_READER_H_
#define TCPMEDIC_CONTROLLER_POLICY_FIELD_READER_H_

#include <google/protobuf/duration.pb.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "controller/policy/yaml_file.h"
#include "core/ip_address.h"
#include "core/issue.h"

namespace tcpmedic {

enum class Need { kOptional, kRequired };

// One of the words that a field takes, and what it stands for.
struct Word {
  absl::string_view text;
  int value;
};

class FieldReader {
 public:
  // `what` names the map in messages: "a signature's spec". All arguments must outlive the reader.
  FieldReader(const YamlFile& file, const YamlNode& node, absl::string_view what,
              std::vector<Issue>* issues);

  // Each asks for one field. nullopt (or null): it is absent, or wrong and reported. A field that
  // is there without a value counts as wrong.
  const YamlNode* Any(absl::string_view name, Need need);
  const YamlNode* Map(absl::string_view name, Need need);
  const YamlNode* Sequence(absl::string_view name, Need need);
  const YamlNode* Scalar(absl::string_view name, Need need);
  std::optional<std::string> Text(absl::string_view name, Need need);
  std::optional<std::vector<std::string>> Texts(absl::string_view name, Need need);
  std::optional<int> OneOf(absl::string_view name, absl::Span<const Word> words, Need need);
  std::optional<int64_t> Integer(absl::string_view name, int64_t min, int64_t max, Need need);
  // "500ms", "5s", "1h30m", within [min, max].
  std::optional<absl::Duration> Duration(absl::string_view name, absl::Duration min,
                                         absl::Duration max, Need need);
  std::optional<google::protobuf::Duration> WireDuration(absl::string_view name, absl::Duration min,
                                                         absl::Duration max, Need need);
  std::optional<double> Percentage(absl::string_view name, Need need);  // "10%" is 0.1
  // "203.0.113.20:443", "[2001:db8::1]:443". Where it is absent or wrong, nothing is changed.
  void Endpoint(absl::string_view name, IpAddress* ip, uint16_t* port);

  // Reports the fields that nobody asked for. Call last, once.
  void RejectOthers();

  // Adds an Issue about one of the values, or about the whole map.
  void Complain(const YamlNode& value, std::string message, std::string hint = "");
  void Complain(std::string message, std::string hint = "");

 private:
  const YamlNode* OfKind(absl::string_view name, YamlNode::Kind kind, Need need);

  const YamlFile& file_;
  const YamlNode& node_;
  absl::string_view what_;
  std::vector<Issue>* issues_;
  std::vector<std::string> known_;  // every field asked for
};

// Whether `name` can name a signature, a policy or a case: lower-case letters, digits and dashes,
// at most 63.
bool IsResourceName(absl::string_view name);

}  // namespace tcpmedic

#endif  // TCPMEDIC_CONTROLLER_POLICY_FIELD_READER_H_
