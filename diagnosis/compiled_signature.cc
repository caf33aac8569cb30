#include "diagnosis/compiled_signature.h"

#include <algorithm>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "diagnosis/connection_schema.h"
#include "diagnosis/netns_schema.h"
#include "diagnosis/process_schema.h"
#include "diagnosis/pushdown.h"
#include "proto/proto_time.h"

namespace tcpmedic {
namespace {

// Bounds what an engine has to remember of a suspect, and how long a dead finding can stay.
constexpr absl::Duration kMaxWindow = absl::Minutes(10);
constexpr absl::Duration kMaxWait = absl::Hours(24);

// Collects the mistakes of one signature, each under the name of its field.
class Mistakes {
 public:
  explicit Mistakes(std::vector<Issue>* issues) : issues_(issues), before_(issues->size()) {}

  void Add(absl::string_view field, std::string message, std::string hint = "") {
    Issue issue;
    issue.message = absl::StrCat(field, ": ", message);
    issue.hint = std::move(hint);
    issues_->push_back(std::move(issue));
  }

  // Takes over what compiling a field's text reported from the `first`-th on.
  size_t next() const { return issues_->size(); }
  void Attribute(absl::string_view field, size_t first) {
    for (size_t i = first; i < issues_->size(); ++i) {
      Issue& issue = (*issues_)[i];
      issue.message = absl::StrCat(field, ": ", issue.message);
    }
  }

  bool any() const { return issues_->size() > before_; }
  std::vector<Issue>* issues() { return issues_; }

 private:
  std::vector<Issue>* issues_;
  size_t before_;
};

std::optional<expr::Expression> CompileCondition(absl::string_view field, absl::string_view text,
                                                 const expr::Schema& schema, Mistakes* mistakes) {
  const size_t first = mistakes->next();
  auto expression = expr::Compile(text, schema, expr::Type::Bool(), mistakes->issues());
  mistakes->Attribute(field, first);
  return expression;
}

// What the fields of one subject's signatures may name.
struct Vocabulary {
  const expr::Schema& conditions;  // of the condition and the look-alikes
  const expr::Schema& verdict;     // begins with the slots of `conditions`
  Basis (*basis_of)(int slot);     // of `conditions`
};

const Vocabulary& Sockets() {
  static const auto* const vocabulary = new Vocabulary{
      SocketSchema(), VerdictSchema(), [](int slot) { return SocketAttributes()[slot].basis; }};
  return *vocabulary;
}

const Vocabulary& Namespaces() {
  static const auto* const vocabulary = new Vocabulary{
      NetnsSchema(), NetnsSchema(), [](int slot) { return NetnsAttributes()[slot].basis; }};
  return *vocabulary;
}

const Vocabulary& ProcessGroups() {
  static const auto* const vocabulary = new Vocabulary{
      ProcessSchema(), ProcessSchema(), [](int slot) { return ProcessAttributes()[slot].basis; }};
  return *vocabulary;
}

const Vocabulary& Connections() {
  static const auto* const vocabulary = new Vocabulary{
      ConnectionSchema(), ConnectionVerdictSchema(), [](int) { return Basis::kNow; }};
  return *vocabulary;
}

// Where `text` first names the attribute, not merely one that begins like it; npos where it does
// not.
size_t FirstMention(absl::string_view text, absl::string_view name) {
  for (size_t at = text.find(name); at != absl::string_view::npos; at = text.find(name, at + 1)) {
    const size_t end = at + name.size();
    if (end == text.size() || !(absl::ascii_isalnum(text[end]) || text[end] == '_')) return at;
  }
  return absl::string_view::npos;
}

// Appends the slots that are not there yet, in the order in which `text` names them.
void AppendInOrderOfMention(std::vector<int> slots, absl::string_view text,
                            const Vocabulary& vocabulary, std::vector<int>* evidence_slots) {
  const auto place = [&](int slot) { return FirstMention(text, vocabulary.verdict.at(slot).name); };
  std::stable_sort(slots.begin(), slots.end(),
                   [&place](int a, int b) { return place(a) < place(b); });
  for (const int slot : slots) {
    if (std::find(evidence_slots->begin(), evidence_slots->end(), slot) == evidence_slots->end()) {
      evidence_slots->push_back(slot);
    }
  }
}

std::vector<int> SlotsOf(const expr::Expression& expression) {
  return {expression.slots().begin(), expression.slots().end()};
}

Basis BasisOf(const expr::Expression& expression, const Vocabulary& vocabulary) {
  Basis basis = Basis::kNow;
  for (const int slot : expression.slots()) {
    basis = std::max(basis, vocabulary.basis_of(slot));
  }
  return basis;
}

// The condition that makes a match: `sockets`, or the `when` of a namespace or process.
std::optional<expr::Expression> CompileMatch(absl::string_view field, const std::string& text,
                                             const Vocabulary& vocabulary,
                                             CompiledSignature* compiled, Mistakes* mistakes) {
  auto condition = CompileCondition(field, text, vocabulary.conditions, mistakes);
  if (!condition.has_value()) return std::nullopt;
  for (const expr::Expression& conjunct : condition->Conjuncts()) {
    compiled->conjuncts.push_back({conjunct, BasisOf(conjunct, vocabulary)});
  }
  AppendInOrderOfMention(SlotsOf(*condition), condition->text(), vocabulary,
                         &compiled->evidence_slots);
  return condition;
}

void CompileStates(const expr::Expression& sockets, CompiledSignature* compiled,
                   Mistakes* mistakes) {
  compiled->states = StatesThatCanMatch(sockets);
  if (compiled->states == 0) {
    mistakes->Add("sockets", "holds in no TCP state",
                  "states are named as ss(8) names them: \"established\"");
  }
}

void CompileSockets(const v1::Signature& signature, CompiledSignature* compiled,
                    Mistakes* mistakes) {
  const auto condition =
      CompileMatch("sockets", signature.sockets(), Sockets(), compiled, mistakes);
  if (condition.has_value()) CompileStates(*condition, compiled, mistakes);
}

// Which sockets of a process are counted: what one sample says of them.
void CompileSocketsOfProcess(const v1::Signature& signature, CompiledSignature* compiled,
                             Mistakes* mistakes) {
  if (signature.sockets().empty()) {
    mistakes->Add("sockets", "is missing", "sockets: socket.state == \"close-wait\"");
    return;
  }
  const auto condition = CompileCondition("sockets", signature.sockets(), SocketSchema(), mistakes);
  if (!condition.has_value()) return;
  for (const int slot : condition->slots()) {
    if (SocketAttributes()[slot].basis != Basis::kWindow) continue;
    mistakes->Add("sockets", absl::StrCat(SocketSchema().at(slot).name,
                                          " needs a window, and one sample has to decide here"));
    return;
  }
  for (const expr::Expression& conjunct : condition->Conjuncts()) {
    compiled->of_sockets.push_back({conjunct, BasisOf(conjunct, Sockets())});
  }
  CompileStates(*condition, compiled, mistakes);
}

void CompileProcess(const v1::Signature& signature, CompiledSignature* compiled,
                    Mistakes* mistakes) {
  CompileSocketsOfProcess(signature, compiled, mistakes);
  if (signature.when().empty()) {
    mistakes->Add("when", "is missing", "when: process.rises >= 5 && process.risen_by >= 100");
    return;
  }
  CompileMatch("when", signature.when(), ProcessGroups(), compiled, mistakes);
  if (FromProto(signature.window()) == absl::ZeroDuration()) {
    mistakes->Add("window", "is not set, and sockets are counted five times in it", "window: 15s");
  }
}

void CompileNetns(const v1::Signature& signature, CompiledSignature* compiled, Mistakes* mistakes) {
  if (!signature.sockets().empty()) {
    mistakes->Add("sockets", "is not for subject netns", "say it under `when`");
  }
  if (signature.when().empty()) {
    mistakes->Add("when", "is missing", "when: netns.syncookies_sent >= 100");
    return;
  }
  CompileMatch("when", signature.when(), Namespaces(), compiled, mistakes);
  for (Conjunct& conjunct : compiled->conjuncts) {
    for (const int slot : conjunct.expression.slots()) {
      conjunct.needs_dump = conjunct.needs_dump || NetnsAttributes()[slot].needs_dump;
    }
  }
}

void CompileConnection(const v1::Signature& signature, CompiledSignature* compiled,
                       Mistakes* mistakes) {
  if (!signature.sockets().empty()) {
    mistakes->Add("sockets", "is not for subject connection", "say it under `when`");
  }
  if (signature.when().empty()) {
    mistakes->Add("when", "is missing", "when: connection.outcome == \"refused\"");
    return;
  }
  CompileMatch("when", signature.when(), Connections(), compiled, mistakes);
}

void CompileLookAlikes(const v1::Signature& signature, const Vocabulary& vocabulary,
                       CompiledSignature* compiled, Mistakes* mistakes) {
  std::set<std::string> names;
  for (const v1::NamedExpression& look_alike : signature.unless()) {
    const std::string field = absl::StrCat("unless.", look_alike.name());
    if (!names.insert(look_alike.name()).second) mistakes->Add(field, "is named twice");
    const auto expression =
        CompileCondition(field, look_alike.expression(), vocabulary.conditions, mistakes);
    if (!expression.has_value()) continue;
    compiled->look_alikes.push_back({look_alike.name(), *expression});
    AppendInOrderOfMention(SlotsOf(*expression), expression->text(), vocabulary,
                           &compiled->evidence_slots);
  }
  if (signature.unless_size() > static_cast<int>(CompiledSignature::kMaxLookAlikes)) {
    mistakes->Add("unless", absl::StrCat("has more than ", CompiledSignature::kMaxLookAlikes,
                                         " look-alikes"));
  }
}

void CompileGroupBy(const v1::Signature& signature, CompiledSignature* compiled,
                    Mistakes* mistakes) {
  if (signature.group_by().empty()) {
    mistakes->Add("group_by", "names nothing",
                  "one finding per remote address: [netns, socket.remote_ip]");
  }
  std::vector<std::string> candidates = {"netns"};
  for (const SocketAttribute& attribute : SocketAttributes()) {
    candidates.emplace_back(attribute.name);
  }
  for (const std::string& name : signature.group_by()) {
    const std::optional<int> slot = SocketSchema().Find(name);
    if (!slot.has_value() && name != "netns") {
      const std::string nearest = NearestName(name, candidates);
      mistakes->Add("group_by", absl::StrCat("unknown name '", name, "'"),
                    nearest.empty() ? "" : absl::StrCat("did you mean '", nearest, "'?"));
    } else if (slot.has_value() && SocketAttributes()[*slot].basis != Basis::kNow) {
      mistakes->Add("group_by", absl::StrCat("'", name, "' changes while a socket lives"));
    }
    compiled->group_by.push_back({name, slot});
  }
}

void CheckNetnsGroupBy(const v1::Signature& signature, CompiledSignature* compiled,
                       Mistakes* mistakes) {
  if (signature.group_by_size() != 1 || signature.group_by(0) != "netns") {
    mistakes->Add("group_by", "of subject netns can only be the namespace", "group_by: [netns]");
  }
  compiled->group_by.push_back({"netns", std::nullopt});
}

void CheckProcessGroupBy(const v1::Signature& signature, CompiledSignature* compiled,
                         Mistakes* mistakes) {
  if (signature.group_by_size() != 2 || signature.group_by(0) != "process" ||
      signature.group_by(1) != "listener") {
    mistakes->Add("group_by", "of subject process can only be the process and the listener",
                  "group_by: [process, listener]");
  }
  compiled->group_by.push_back({"process", std::nullopt});
  compiled->group_by.push_back({"listener", std::nullopt});
}

// What the handshakes of one server, or of one client, have in common makes a group.
void CheckConnectionGroupBy(const v1::Signature& signature, CompiledSignature* compiled,
                            Mistakes* mistakes) {
  if (signature.group_by().empty()) {
    mistakes->Add("group_by", "names nothing", "one finding per server: [connection.server]");
  }
  for (const std::string& name : signature.group_by()) {
    const std::optional<int> slot = ConnectionSchema().Find(name);
    if (!slot.has_value()) {
      std::vector<std::string> candidates;
      for (const ConnectionAttribute& attribute : ConnectionAttributes()) {
        candidates.emplace_back(attribute.name);
      }
      const std::string nearest = NearestName(name, candidates);
      mistakes->Add("group_by", absl::StrCat("unknown name '", name, "'"),
                    nearest.empty() ? "" : absl::StrCat("did you mean '", nearest, "'?"));
    }
    compiled->group_by.push_back({name, slot});
  }
}

void CompileVerdict(absl::string_view field, const std::string& text, const Vocabulary& vocabulary,
                    CompiledSignature* compiled, Mistakes* mistakes) {
  const size_t first = mistakes->next();
  auto verdict = expr::CompileTemplate(text, vocabulary.verdict, mistakes->issues());
  mistakes->Attribute(field, first);
  if (!verdict.has_value()) return;
  AppendInOrderOfMention(verdict->slots(), text, vocabulary, &compiled->evidence_slots);
  compiled->verdict = *std::move(verdict);
}

// The same signature as told from one sample. What it does not say otherwise is as it was.
void CompileOneSample(const v1::Signature& signature, const Vocabulary& vocabulary,
                      CompiledSignature* compiled, Mistakes* mistakes) {
  if (!signature.has_one_sample()) return;
  const v1::OneSample& given = signature.one_sample();
  auto one_sample = std::make_shared<CompiledSignature>(*compiled);
  one_sample->evidence_slots.clear();
  if (given.when().empty()) {
    for (const Conjunct& conjunct : one_sample->conjuncts) {
      AppendInOrderOfMention(SlotsOf(conjunct.expression), conjunct.expression.text(), vocabulary,
                             &one_sample->evidence_slots);
    }
  } else if (signature.subject() != v1::SUBJECT_PROCESS) {
    mistakes->Add("one_sample.when", "is for subject process",
                  "of other subjects the condition itself is asked, over the lifetime");
    return;
  } else {
    one_sample->conjuncts.clear();
    const auto condition =
        CompileMatch("one_sample.when", given.when(), vocabulary, one_sample.get(), mistakes);
    if (!condition.has_value()) return;
    for (const int slot : condition->slots()) {
      if (vocabulary.basis_of(slot) != Basis::kWindow) continue;
      mistakes->Add("one_sample.when", absl::StrCat(vocabulary.conditions.at(slot).name,
                                                    " is taken over a window, and there is none"));
    }
  }
  for (const LookAlike& look_alike : one_sample->look_alikes) {
    AppendInOrderOfMention(SlotsOf(look_alike.expression), look_alike.expression.text(), vocabulary,
                           &one_sample->evidence_slots);
  }
  const bool own_verdict = !given.verdict().empty();
  CompileVerdict(own_verdict ? "one_sample.verdict" : "verdict",
                 own_verdict ? given.verdict() : signature.verdict(), vocabulary, one_sample.get(),
                 mistakes);
  compiled->one_sample = std::move(one_sample);
}

absl::Duration CheckDuration(absl::string_view field, const google::protobuf::Duration& given,
                             absl::Duration most, Mistakes* mistakes) {
  const absl::Duration duration = FromProto(given);
  if (duration < absl::ZeroDuration()) mistakes->Add(field, "is negative");
  if (duration > most)
    mistakes->Add(field, absl::StrCat("is longer than ", absl::FormatDuration(most)));
  return duration;
}

void CompileTimes(const v1::Signature& signature, const Vocabulary& vocabulary,
                  CompiledSignature* compiled, Mistakes* mistakes) {
  compiled->window = CheckDuration("window", signature.window(), kMaxWindow, mistakes);
  compiled->hold_for = CheckDuration("for", signature.for_(), kMaxWait, mistakes);
  compiled->keep_firing_for =
      CheckDuration("keep_firing_for", signature.keep_firing_for(), kMaxWait, mistakes);
  // Of a process, a window is needed in any case, and CompileProcess has asked for it.
  if (compiled->window != absl::ZeroDuration() || signature.subject() == v1::SUBJECT_PROCESS)
    return;
  for (const int slot : compiled->evidence_slots) {
    if (slot < vocabulary.conditions.size() && vocabulary.basis_of(slot) == Basis::kWindow) {
      mistakes->Add("window",
                    absl::StrCat("is not set, and ", vocabulary.conditions.at(slot).name,
                                 " is taken over it"),
                    "window: 5s");
      return;
    }
  }
}

}  // namespace

std::shared_ptr<const CompiledSignature> CompileSignature(const v1::Signature& signature,
                                                          std::vector<Issue>* issues) {
  Mistakes mistakes(issues);
  auto compiled = std::make_shared<CompiledSignature>();
  compiled->definition = signature;
  switch (signature.subject()) {
    case v1::SUBJECT_SOCKET:
      CompileSockets(signature, compiled.get(), &mistakes);
      CompileLookAlikes(signature, Sockets(), compiled.get(), &mistakes);
      CompileGroupBy(signature, compiled.get(), &mistakes);
      if (!signature.when().empty()) {
        compiled->when = CompileCondition("when", signature.when(), GroupSchema(), &mistakes);
      }
      CompileVerdict("verdict", signature.verdict(), Sockets(), compiled.get(), &mistakes);
      CompileTimes(signature, Sockets(), compiled.get(), &mistakes);
      CompileOneSample(signature, Sockets(), compiled.get(), &mistakes);
      break;
    case v1::SUBJECT_NETNS:
      CompileNetns(signature, compiled.get(), &mistakes);
      CompileLookAlikes(signature, Namespaces(), compiled.get(), &mistakes);
      CheckNetnsGroupBy(signature, compiled.get(), &mistakes);
      CompileVerdict("verdict", signature.verdict(), Namespaces(), compiled.get(), &mistakes);
      CompileTimes(signature, Namespaces(), compiled.get(), &mistakes);
      CompileOneSample(signature, Namespaces(), compiled.get(), &mistakes);
      break;
    case v1::SUBJECT_PROCESS:
      CompileProcess(signature, compiled.get(), &mistakes);
      CompileLookAlikes(signature, ProcessGroups(), compiled.get(), &mistakes);
      CheckProcessGroupBy(signature, compiled.get(), &mistakes);
      CompileVerdict("verdict", signature.verdict(), ProcessGroups(), compiled.get(), &mistakes);
      CompileTimes(signature, ProcessGroups(), compiled.get(), &mistakes);
      CompileOneSample(signature, ProcessGroups(), compiled.get(), &mistakes);
      break;
    case v1::SUBJECT_CONNECTION:
      CompileConnection(signature, compiled.get(), &mistakes);
      CompileLookAlikes(signature, Connections(), compiled.get(), &mistakes);
      CheckConnectionGroupBy(signature, compiled.get(), &mistakes);
      CompileVerdict("verdict", signature.verdict(), Connections(), compiled.get(), &mistakes);
      break;
    default:
      mistakes.Add("subject", "is not set", "subject: socket, process, netns or connection");
  }
  if (mistakes.any()) return nullptr;
  return compiled;
}

}  // namespace tcpmedic
