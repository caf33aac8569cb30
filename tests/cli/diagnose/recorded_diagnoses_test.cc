// What `tcpmedic diagnose FILE -o json` says of the recordings (tests/data/recorded), each with its
// golden beside it: client.pcap and client.pcap.diagnose.json. UPDATE_GOLDEN=1 writes them anew.
// Of a diagnosis above 40 KiB the golden keeps the first connections of each outcome, eight in all
// as a rule, and says how many it leaves out.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "cli/diagnose/diagnoses.h"
#include "cli/json.h"
#include "controller/policy/policy_set.h"
#include "core/issue.h"
#include "tests/cli/diagnose/json_of_diagnosis.h"

namespace tcpmedic::cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

constexpr size_t kMostWithAllConnections = 40 << 10;
constexpr size_t kConnections = 8;

const fs::path& Recorded() {
  static const auto* const path = new fs::path(TCPMEDIC_SOURCE_DIR "/tests/data/recorded");
  return *path;
}

// Every capture and every session, and of single commands' outputs those that say most.
std::vector<std::string> Inputs() {
  std::vector<std::string> inputs = {"close-wait-never-read/ss-tanp.txt",
                                     "counters/netstat_-s.txt",
                                     "counters/nstat_-az.txt",
                                     "counters/proc_net_netstat.txt",
                                     "processes/ps_aux.txt",
                                     "ss-variants/netstat_-tanp.txt",
                                     "ss-variants/ss_-s.txt",
                                     "ss-variants/ss_-tanpemio.txt",
                                     "handshake/client.tcpdump-nn-v.txt",
                                     "close/client.tcpdump-names.txt"};
  for (const auto& entry : fs::recursive_directory_iterator(Recorded())) {
    const std::string name = entry.path().lexically_relative(Recorded()).string();
    if (absl::EndsWith(name, ".pcap") || absl::EndsWith(name, ".pcapng") ||
        absl::EndsWith(name, ".session.txt")) {
      inputs.push_back(name);
    }
  }
  std::sort(inputs.begin(), inputs.end());
  return inputs;
}

const Policies& Shipped() {
  static const Policies* const policies = [] {
    std::vector<Issue> issues;
    absl::StatusOr<PolicySet> set = LoadPolicyDirectory(TCPMEDIC_SOURCE_DIR "/policies", &issues);
    EXPECT_TRUE(set.ok()) << set.status();
    absl::StatusOr<CompiledSet> compiled = CompileSet(set->signatures);
    EXPECT_TRUE(compiled.ok()) << compiled.status();
    return new Policies{*std::move(set), *std::move(compiled)};
  }();
  return *policies;
}

// With one line for each segment.
std::string Print(ordered_json json) {
  std::vector<std::string> lines;
  for (ordered_json& connection : json["connections"]) {
    for (ordered_json& segment : connection["segments"]) {
      lines.push_back(segment.dump());
      segment = absl::StrCat("segment ", lines.size() - 1, "!");
    }
  }
  const std::string text = PrintJson(json);
  std::string printed;
  printed.reserve(2 * text.size());
  size_t at = 0;
  for (size_t i = 0; i < lines.size(); ++i) {
    const std::string stand_in = absl::StrCat("\"segment ", i, "!\"");
    const size_t found = text.find(stand_in, at);
    printed.append(text, at, found - at);
    printed += lines[i];
    at = found + stand_in.size();
  }
  return printed.append(text, at);
}

// Leaves the first connections of each outcome, of each as many.
void KeepSomeOfEachOutcome(ordered_json* json) {
  ordered_json& connections = (*json)["connections"];
  std::map<std::string, size_t> seen;
  for (const ordered_json& connection : connections) ++seen[connection["outcome"]];
  const size_t of_each = std::max<size_t>(1, kConnections / std::max<size_t>(1, seen.size()));
  std::map<std::string, size_t> kept;
  ordered_json some = ordered_json::array();
  for (ordered_json& connection : connections) {
    if (kept[connection["outcome"]]++ < of_each) some.push_back(std::move(connection));
  }
  ordered_json left_out;
  for (const auto& [outcome, count] : seen) {
    if (count > of_each) left_out[outcome] = count - of_each;
  }
  connections = std::move(some);
  if (!left_out.empty()) (*json)["left_out_of_this_golden"] = std::move(left_out);
}

std::string Diagnosis(const std::string& name) {
  const absl::StatusOr<DiagnosisView> view =
      DiagnoseInputs(Shipped(), {(Recorded() / name).string()}, Style());
  if (!view.ok()) return view.status().ToString();
  ordered_json json = DiagnosisJson(*view);
  std::string text = Print(json);
  if (text.size() > kMostWithAllConnections) {
    KeepSomeOfEachOutcome(&json);
    text = Print(json);
  }
  return absl::StrReplaceAll(text, {{Recorded().string() + "/", ""}});
}

class RecordedDiagnosis : public testing::TestWithParam<std::string> {};

TEST_P(RecordedDiagnosis, IsAsItsGolden) {
  const fs::path golden = Recorded() / (GetParam() + ".diagnose.json");
  const std::string actual = Diagnosis(GetParam());
  if (std::getenv("UPDATE_GOLDEN") != nullptr) {
    std::ofstream(golden) << actual;
    return;
  }
  std::ifstream file(golden);
  ASSERT_TRUE(file.good()) << golden << " is missing; UPDATE_GOLDEN=1 writes it";
  std::stringstream expected;
  expected << file.rdbuf();
  EXPECT_EQ(actual, expected.str()) << "golden " << golden;
}

INSTANTIATE_TEST_SUITE_P(Of, RecordedDiagnosis, testing::ValuesIn(Inputs()),
                         [](const testing::TestParamInfo<std::string>& test) {
                           std::string name;
                           for (const char c : test.param) {
                             name += absl::ascii_isalnum(static_cast<unsigned char>(c)) ? c : '_';
                           }
                           return name;
                         });

}  // namespace
}  // namespace tcpmedic::cli
