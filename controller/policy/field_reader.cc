#include "controller/policy/field_reader.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "proto/proto_time.h"

namespace tcpmedic {
namespace {

absl::string_view WhatItIs(YamlNode::Kind kind) {
  switch (kind) {
    case YamlNode::Kind::kNull:
      return "nothing";
    case YamlNode::Kind::kScalar:
      return "a single value";
    case YamlNode::Kind::kSequence:
      return "a list";
    case YamlNode::Kind::kMap:
      return "a map of fields";
  }
  return "";
}

std::string DidYouMean(absl::string_view name, absl::Span<const std::string> candidates) {
  const std::string nearest = NearestName(name, candidates);
  if (!nearest.empty()) return absl::StrCat("did you mean '", nearest, "'?");
  return absl::StrCat("known here: ", absl::StrJoin(candidates, ", "));
}

// "203.0.113.20:443", "[2001:db8::1]:443".
bool ParseEndpoint(absl::string_view text, IpAddress* ip, uint16_t* port) {
  const size_t colon = text.rfind(':');
  if (colon == text.npos) return false;
  absl::string_view address = text.substr(0, colon);
  if (absl::ConsumePrefix(&address, "[") && !absl::ConsumeSuffix(&address, "]")) return false;
  const std::optional<IpAddress> parsed = IpAddress::Parse(address);
  uint32_t number = 0;
  if (!parsed.has_value() || !absl::SimpleAtoi(text.substr(colon + 1), &number) || number > 65535) {
    return false;
  }
  *ip = *parsed;
  *port = static_cast<uint16_t>(number);
  return true;
}

}  // namespace

FieldReader::FieldReader(const YamlFile& file, const YamlNode& node, absl::string_view what,
                         std::vector<Issue>* issues)
    : file_(file), node_(node), what_(what), issues_(issues) {
  if (node.kind != YamlNode::Kind::kMap) {
    Complain(absl::StrCat(what, " must be a map of fields, this is ", WhatItIs(node.kind)));
  }
}

const YamlNode* FieldReader::Any(absl::string_view name, Need need) {
  known_.emplace_back(name);
  const YamlNode* value = node_.Find(name);
  if (value == nullptr) {
    if (need == Need::kRequired && node_.kind == YamlNode::Kind::kMap) {
      Complain(absl::StrCat(what_, " needs the field '", name, "'"));
    }
    return nullptr;
  }
  if (value->kind == YamlNode::Kind::kNull) {
    issues_->push_back(file_.IssueAt(value->name, absl::StrCat("'", name, "' has no value"),
                                     "give it one, or leave the field out"));
    return nullptr;
  }
  return value;
}

const YamlNode* FieldReader::OfKind(absl::string_view name, YamlNode::Kind kind, Need need) {
  const YamlNode* value = Any(name, need);
  if (value == nullptr || value->kind == kind) return value;
  issues_->push_back(file_.IssueAt(
      value->name,
      absl::StrCat("'", name, "' must be ", WhatItIs(kind), ", this is ", WhatItIs(value->kind))));
  return nullptr;
}

const YamlNode* FieldReader::Map(absl::string_view name, Need need) {
  return OfKind(name, YamlNode::Kind::kMap, need);
}

const YamlNode* FieldReader::Sequence(absl::string_view name, Need need) {
  return OfKind(name, YamlNode::Kind::kSequence, need);
}

const YamlNode* FieldReader::Scalar(absl::string_view name, Need need) {
  return OfKind(name, YamlNode::Kind::kScalar, need);
}

std::optional<std::string> FieldReader::Text(absl::string_view name, Need need) {
  const YamlNode* value = Scalar(name, need);
  if (value == nullptr) return std::nullopt;
  if (value->text.empty()) {
    Complain(*value, absl::StrCat("'", name, "' is empty"));
    return std::nullopt;
  }
  return value->text;
}

std::optional<std::vector<std::string>> FieldReader::Texts(absl::string_view name, Need need) {
  const YamlNode* list = Sequence(name, need);
  if (list == nullptr) return std::nullopt;
  std::vector<std::string> texts;
  for (const YamlNode& item : list->items) {
    if (item.kind == YamlNode::Kind::kScalar && !item.text.empty()) {
      texts.push_back(item.text);
    } else {
      Complain(item, absl::StrCat("'", name, "' must be a list of words"));
    }
  }
  return texts;
}

std::optional<int> FieldReader::OneOf(absl::string_view name, absl::Span<const Word> words,
                                      Need need) {
  const YamlNode* value = Scalar(name, need);
  if (value == nullptr) return std::nullopt;
  std::vector<std::string> texts;
  for (const Word& word : words) {
    if (word.text == value->text) return word.value;
    texts.emplace_back(word.text);
  }
  Complain(*value, absl::StrCat("unknown ", name, " '", value->text, "'"),
           DidYouMean(value->text, texts));
  return std::nullopt;
}

std::optional<int64_t> FieldReader::Integer(absl::string_view name, int64_t min, int64_t max,
                                            Need need) {
  const YamlNode* value = Scalar(name, need);
  if (value == nullptr) return std::nullopt;
  int64_t number = 0;
  if (absl::SimpleAtoi(value->text, &number) && number >= min && number <= max) return number;
  Complain(*value, absl::StrCat("'", name, "' must be a whole number from ", min, " to ", max));
  return std::nullopt;
}

std::optional<absl::Duration> FieldReader::Duration(absl::string_view name, absl::Duration min,
                                                    absl::Duration max, Need need) {
  const YamlNode* value = Scalar(name, need);
  if (value == nullptr) return std::nullopt;
  absl::Duration duration;
  if (!absl::ParseDuration(value->text, &duration)) {
    Complain(*value, absl::StrCat("'", name, "' must be a duration"),
             "a number with a unit: 500ms, 5s, 10m, 1h");
    return std::nullopt;
  }
  if (duration < min || duration > max) {
    Complain(*value, absl::StrCat("'", name, "' must be from ", absl::FormatDuration(min), " to ",
                                  absl::FormatDuration(max)));
    return std::nullopt;
  }
  return duration;
}

std::optional<google::protobuf::Duration> FieldReader::WireDuration(absl::string_view name,
                                                                    absl::Duration min,
                                                                    absl::Duration max, Need need) {
  const std::optional<absl::Duration> duration = Duration(name, min, max, need);
  if (!duration.has_value()) return std::nullopt;
  return ToProto(*duration);
}

std::optional<double> FieldReader::Percentage(absl::string_view name, Need need) {
  const YamlNode* value = Scalar(name, need);
  if (value == nullptr) return std::nullopt;
  absl::string_view text = value->text;
  double percent = 0;
  if (absl::ConsumeSuffix(&text, "%") && absl::SimpleAtod(text, &percent) && percent >= 0 &&
      percent <= 100) {
    return percent / 100;
  }
  Complain(*value, absl::StrCat("'", name, "' must be a percentage from 0% to 100%"),
           "a number with its sign: 10%");
  return std::nullopt;
}

void FieldReader::Endpoint(absl::string_view name, IpAddress* ip, uint16_t* port) {
  const YamlNode* node = Scalar(name, Need::kOptional);
  if (node != nullptr && !ParseEndpoint(node->text, ip, port)) {
    Complain(*node, absl::StrCat("'", node->text, "' is no address with a port"),
             "203.0.113.20:443 or [2001:db8::1]:443");
  }
}

void FieldReader::RejectOthers() {
  for (const YamlField& field : node_.fields) {
    if (std::find(known_.begin(), known_.end(), field.name) != known_.end()) continue;
    issues_->push_back(file_.IssueAt(field.value.name,
                                     absl::StrCat("unknown field '", field.name, "'"),
                                     DidYouMean(field.name, known_)));
  }
}

void FieldReader::Complain(const YamlNode& value, std::string message, std::string hint) {
  issues_->push_back(file_.IssueAt(value.place, std::move(message), std::move(hint)));
}

void FieldReader::Complain(std::string message, std::string hint) {
  issues_->push_back(file_.IssueAt(node_.name, std::move(message), std::move(hint)));
}

bool IsResourceName(absl::string_view name) {
  return !name.empty() && name.size() <= 63 && name.front() != '-' && name.back() != '-' &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '-';
         });
}

}  // namespace tcpmedic
