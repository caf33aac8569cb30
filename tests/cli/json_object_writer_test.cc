#include "cli/json_object_writer.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/str_cat.h"
#include "cli/json.h"

namespace tcpmedic::cli {
namespace {

using nlohmann::ordered_json;

JsonObjectWriter::Write To(std::string* text) {
  return [text](absl::string_view piece) {
    absl::StrAppend(text, piece);
    return absl::OkStatus();
  };
}

TEST(JsonObjectWriter, WritesWhatPrintJsonWouldOfTheWhole) {
  const ordered_json nested = {
      {"text", "two\nlines, \"quoted\", \xff"}, {"none", nullptr}, {"list", {1, {{"a", 2.5}}}}};
  const ordered_json whole = {{"first", nested},
                              {"objects", {nested, nested}},
                              {"one", {7}},
                              {"empty", ordered_json::array()},
                              {"object", ordered_json::object()},
                              {"last", ordered_json::array()}};
  std::string text;
  JsonObjectWriter json(To(&text));
  json.Member("first", nested);
  for (const char* const list : {"objects", "one", "empty"}) {
    json.BeginList(list);
    for (const ordered_json& element : whole[list]) json.Element(element);
  }
  json.Member("object", ordered_json::object());
  json.BeginList("last");

  EXPECT_TRUE(json.Finish().ok());
  EXPECT_EQ(text, PrintJson(whole));
}

TEST(JsonObjectWriter, WithoutMembersIsAnEmptyObject) {
  std::string text;
  EXPECT_TRUE(JsonObjectWriter(To(&text)).Finish().ok());
  EXPECT_EQ(text, "{}\n");
}

TEST(JsonObjectWriter, WritesNothingAfterTheFirstError) {
  int pieces = 0;
  JsonObjectWriter json([&pieces](absl::string_view) {
    return ++pieces < 3 ? absl::OkStatus() : absl::ResourceExhaustedError("full");
  });
  json.BeginList("list");
  json.Element(1);
  EXPECT_TRUE(json.ok());
  json.Element(2);
  EXPECT_FALSE(json.ok());
  json.Element(3);

  EXPECT_EQ(json.Finish(), absl::ResourceExhaustedError("full"));
  EXPECT_EQ(pieces, 3);
}

}  // namespace
}  // namespace tcpmedic::cli
