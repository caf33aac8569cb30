#include "cli/diagnose/remedy.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "cli/render/words.h"

namespace tcpmedic::cli {

const v1::Action* RemedyOf(const v1::Decision& decision) {
  for (const v1::Action& action : decision.actions()) {
    if (action.has_set_congestion_control() || action.has_set_sysctl()) return &action;
  }
  return nullptr;
}

const std::string& NoteOf(const v1::Decision& decision) {
  for (const v1::Action& action : decision.actions()) {
    if (action.has_note()) return action.note().text();
  }
  return v1::Note::default_instance().text();
}

std::string RemedyWords(const v1::Finding& finding, const v1::Action& remedy) {
  if (!remedy.has_set_congestion_control()) return ChangeWords(finding, remedy, 1);
  return absl::StrCat("move ", finding.socket_count() == 1 ? "this socket" : "these sockets",
                      " to ", absl::AsciiStrToUpper(remedy.set_congestion_control().algorithm()),
                      " (setsockopt TCP_CONGESTION)");
}

std::string ActionName(const v1::Action& action) {
  const auto* const kind = v1::Action::descriptor()->FindFieldByNumber(action.kind_case());
  return kind == nullptr ? "" : kind->name();
}

}  // namespace tcpmedic::cli
