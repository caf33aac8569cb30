#include "cli/json_object_writer.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "cli/json.h"

namespace tcpmedic::cli {
namespace {

// As it stands inside of what is indented by `indent`. Line ends are never part of a string: there
// they are escaped.
std::string Indented(const nlohmann::ordered_json& value, absl::string_view indent) {
  const std::string text = PrintJson(value);
  return absl::StrReplaceAll(absl::StripSuffix(text, "\n"), {{"\n", absl::StrCat("\n", indent)}});
}

}  // namespace

JsonObjectWriter::JsonObjectWriter(Write write) : write_(std::move(write)) {}

void JsonObjectWriter::Put(absl::string_view piece) {
  if (status_.ok()) status_ = write_(piece);
}

void JsonObjectWriter::Begin(absl::string_view name) {
  EndList();
  const std::string key = nlohmann::ordered_json(std::string(name)).dump();
  Put(absl::StrCat(has_members_ ? ",\n  " : "{\n  ", key, ": "));
  has_members_ = true;
}

void JsonObjectWriter::EndList() {
  if (in_list_) Put(list_has_elements_ ? "\n  ]" : "[]");
  in_list_ = list_has_elements_ = false;
}

void JsonObjectWriter::Member(absl::string_view name, const nlohmann::ordered_json& value) {
  Begin(name);
  Put(Indented(value, "  "));
}

void JsonObjectWriter::BeginList(absl::string_view name) {
  Begin(name);
  in_list_ = true;
}

void JsonObjectWriter::Element(const nlohmann::ordered_json& value) {
  Put(absl::StrCat(list_has_elements_ ? ",\n    " : "[\n    ", Indented(value, "    ")));
  list_has_elements_ = true;
}

absl::Status JsonObjectWriter::Finish() {
  EndList();
  Put(has_members_ ? "\n}\n" : "{}\n");
  return status_;
}

}  // namespace tcpmedic::cli
