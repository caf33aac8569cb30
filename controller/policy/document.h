// The frame that every document of the policy files has: apiVersion, kind, metadata.name and spec.
// Pure.
#ifndef TCPMEDIC_CONTROLLER_POLICY_DOCUMENT_H_
#define TCPMEDIC_CONTROLLER_POLICY_DOCUMENT_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "controller/policy/field_reader.h"
#include "controller/policy/yaml_file.h"
#include "core/issue.h"

namespace tcpmedic {

inline constexpr char kApiVersion[] = "tcpmedic/v1";

struct Document {
  int kind = 0;  // the value of one of `kinds`
  std::string name;
  YamlPlace name_place;
  const YamlNode* spec = nullptr;
};

// nullopt where the frame is broken in a way that leaves nothing to read on; its Issues are
// appended.
std::optional<Document> ReadDocument(const YamlFile& file, const YamlNode& root,
                                     absl::Span<const Word> kinds, std::vector<Issue>* issues);

}  // namespace tcpmedic

#endif  // TCPMEDIC_CONTROLLER_POLICY_DOCUMENT_H_
