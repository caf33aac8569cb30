#include "controller/incident/ids.h"

#include "absl/random/random.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace tcpmedic {
namespace {

constexpr absl::string_view kAlphabet = "abcdefghijkmnpqrstuvwxyz23456789";
constexpr int kCharacters = 8;
static_assert(kAlphabet.size() == 32);

}  // namespace

std::string RandomId(absl::string_view kind) {
  thread_local absl::BitGen random;
  std::string id(kind);
  for (int i = 0; i < kCharacters; ++i) {
    id.push_back(kAlphabet[absl::Uniform<size_t>(random, 0, kAlphabet.size())]);
  }
  return id;
}

std::string IncidentIdPrefix(absl::string_view typed) {
  const std::string lower = absl::AsciiStrToLower(absl::StripAsciiWhitespace(typed));
  const absl::string_view rest = absl::StripPrefix(lower, "i-");
  if (rest.empty() || rest.size() > kCharacters) return "";
  for (const char c : rest) {
    if (kAlphabet.find(c) == absl::string_view::npos) return "";
  }
  return absl::StrCat("i-", rest);
}

}  // namespace tcpmedic
