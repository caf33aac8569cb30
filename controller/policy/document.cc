#include "controller/policy/document.h"

#include "absl/strings/str_cat.h"

namespace tcpmedic {

std::optional<Document> ReadDocument(const YamlFile& file, const YamlNode& root,
                                     absl::Span<const Word> kinds, std::vector<Issue>* issues) {
  FieldReader frame(file, root, "a document", issues);
  const Word versions[] = {{kApiVersion, 1}};
  frame.OneOf("apiVersion", versions, Need::kRequired);
  const std::optional<int> kind = frame.OneOf("kind", kinds, Need::kRequired);
  const YamlNode* metadata = frame.Map("metadata", Need::kRequired);
  const YamlNode* spec = frame.Map("spec", Need::kRequired);
  frame.RejectOthers();

  Document document;
  if (metadata != nullptr) {
    FieldReader fields(file, *metadata, "metadata", issues);
    if (const YamlNode* name = fields.Scalar("name", Need::kRequired); name != nullptr) {
      document.name = name->text;
      document.name_place = name->place;
      if (!IsResourceName(name->text)) {
        fields.Complain(*name, absl::StrCat("'", name->text, "' cannot be a name"),
                        "lower-case letters, digits and dashes, at most 63");
      }
    }
    fields.RejectOthers();
  }
  if (!kind.has_value() || spec == nullptr) return std::nullopt;
  document.kind = *kind;
  document.spec = spec;
  return document;
}

}  // namespace tcpmedic
