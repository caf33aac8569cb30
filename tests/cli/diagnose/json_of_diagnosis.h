// The JSON of a diagnosis, put together again: as text, and as a value to look into.
#ifndef TCPMEDIC_TESTS_CLI_DIAGNOSE_JSON_OF_DIAGNOSIS_H_
#define TCPMEDIC_TESTS_CLI_DIAGNOSE_JSON_OF_DIAGNOSIS_H_

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "cli/diagnose/diagnosis_json.h"

namespace tcpmedic::cli {

inline std::string DiagnosisJsonText(const DiagnosisView& view,
                                     const std::vector<const TrackedConnection*>& only = {}) {
  std::string text;
  const absl::Status written = WriteDiagnosisJson(view, only, [&text](absl::string_view piece) {
    text.append(piece.data(), piece.size());
    return absl::OkStatus();
  });
  EXPECT_TRUE(written.ok()) << written;
  return text;
}

inline nlohmann::ordered_json DiagnosisJson(
    const DiagnosisView& view, const std::vector<const TrackedConnection*>& only = {}) {
  return nlohmann::ordered_json::parse(DiagnosisJsonText(view, only), nullptr,
                                       /*allow_exceptions=*/false);
}

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_TESTS_CLI_DIAGNOSE_JSON_OF_DIAGNOSIS_H_
