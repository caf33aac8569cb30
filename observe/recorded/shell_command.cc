#include "observe/recorded/shell_command.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"

namespace tcpmedic {
namespace {

constexpr size_t kMaxStages = 16;
constexpr size_t kMaxWords = 64;
constexpr size_t kMaxPromptBytes = 128;

constexpr absl::string_view kKnownAfterBareHash[] = {
    "cat",        "curl",   "date",  "doas",     "echo",    "grep",    "head",  "ip",
    "journalctl", "ls",     "lsof",  "netstat",  "nft",     "ps",      "nstat", "ss",
    "sudo",       "sysctl", "tail",  "tcpdump",  "time",    "timeout", "top",   "uname",
    "uptime",     "vmstat", "watch", "iptables", "ethtool", "tshark"};

bool IsBlank(char c) { return c == ' ' || c == '\t'; }

absl::string_view BaseName(absl::string_view word) {
  const size_t slash = word.rfind('/');
  return slash == absl::string_view::npos ? word : word.substr(slash + 1);
}

absl::string_view FirstWord(absl::string_view text) {
  return text.substr(0, text.find_first_of(" \t"));
}

// What may stand before the '$' or '#' of a prompt.
bool IsPromptName(absl::string_view name) {
  if (name.empty() || name.size() > kMaxPromptBytes || IsBlank(name.front())) return false;
  // "(venv) me@host:~"
  if (name.front() == '(') {
    const size_t close = name.find(") ");
    if (close == absl::string_view::npos) return false;
    name.remove_prefix(close + 2);
    if (name.empty()) return true;
  }
  // "[me@host ~]"
  if (name.front() == '[') return name.back() == ']' && name.find(']') == name.size() - 1;
  // "host:~ #", "me@host ~ $": one name, and perhaps a directory after it.
  while (!name.empty() && name.back() == ' ') name.remove_suffix(1);
  const size_t space = name.find(' ');
  if (space != absl::string_view::npos) {
    const absl::string_view directory = name.substr(space + 1);
    if (directory.empty() || (directory.front() != '~' && directory.front() != '/') ||
        absl::StrContains(directory, ' ')) {
      return false;
    }
    name = name.substr(0, space);
    return absl::StrContains(name, '@') || absl::StrContains(name, ':');
  }
  if (absl::StrContains(name, '@')) return true;
  if (absl::StartsWith(name, "bash-") || absl::StartsWith(name, "sh-")) return true;
  // "host:/var/log"
  const size_t colon = name.find(':');
  return colon != absl::string_view::npos && colon > 0 && colon + 1 < name.size() &&
         (name[colon + 1] == '~' || name[colon + 1] == '/');
}

bool LooksLikeCommand(absl::string_view text) {
  return text.empty() || absl::ascii_isalpha(text.front()) || text.front() == '/' ||
         text.front() == '.' || text.front() == '_';
}

// The end of the word that `text` begins with (quotes respected); its size where it has no end.
size_t WordEnd(absl::string_view text, absl::string_view stops) {
  char quote = '\0';
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\' && quote != '\'') {
      ++i;
    } else if (quote != '\0') {
      if (c == quote) quote = '\0';
    } else if (c == '\'' || c == '"') {
      quote = c;
    } else if (absl::StrContains(stops, c)) {
      return i;
    }
  }
  return text.size();
}

std::string Unquoted(absl::string_view word) {
  std::string plain;
  char quote = '\0';
  for (size_t i = 0; i < word.size(); ++i) {
    const char c = word[i];
    if (c == '\\' && quote != '\'' && i + 1 < word.size()) {
      plain += word[++i];
    } else if (quote != '\0' && c == quote) {
      quote = '\0';
    } else if (quote == '\0' && (c == '\'' || c == '"')) {
      quote = c;
    } else {
      plain += c;
    }
  }
  return plain;
}

bool IsAssignment(absl::string_view word) {
  const size_t equals = word.find('=');
  return equals != absl::string_view::npos && equals > 0 &&
         std::all_of(word.begin(), word.begin() + equals,
                     [](char c) { return absl::ascii_isalnum(c) || c == '_'; });
}

// Takes a word and the blanks behind it off the text.
absl::string_view TakeWord(absl::string_view* text) {
  const size_t end = WordEnd(*text, " \t");
  const absl::string_view word = text->substr(0, end);
  *text = absl::StripLeadingAsciiWhitespace(text->substr(end));
  return word;
}

// Flags of a wrapper, and the values of those that take one.
void SkipFlags(absl::string_view with_value, absl::string_view* text) {
  while (absl::StartsWith(*text, "-")) {
    const absl::string_view flag = TakeWord(text);
    if (flag == "--") return;
    if (flag.size() == 2 && absl::StrContains(with_value, flag[1])) TakeWord(text);
  }
}

// Takes off what only says how to run the command.
absl::string_view WithoutWrappers(absl::string_view text) {
  text = absl::StripAsciiWhitespace(text);
  for (int depth = 0; depth < 8; ++depth) {
    absl::string_view rest = text;
    const absl::string_view word = TakeWord(&rest);
    const absl::string_view name = BaseName(word);
    if (IsAssignment(word)) {
      // FOO=1 ss
    } else if (name == "sudo" || name == "doas") {
      SkipFlags("ugCDhpRrTtU", &rest);
    } else if (name == "time" || name == "nohup") {
      SkipFlags("", &rest);
    } else if (name == "watch") {
      SkipFlags("n", &rest);
    } else if (name == "nice" || name == "ionice") {
      SkipFlags("ncp", &rest);
    } else if (name == "timeout") {
      SkipFlags("ks", &rest);
      TakeWord(&rest);
    } else if (name == "nsenter") {
      SkipFlags("tSG", &rest);
    } else if (name == "ip" && absl::StartsWith(rest, "netns exec ")) {
      for (int i = 0; i < 3; ++i) TakeWord(&rest);
    } else {
      return text;
    }
    if (rest.empty()) return text;
    text = rest;
  }
  return text;
}

// The last pipeline of a list.
absl::string_view LastOfList(absl::string_view text) {
  while (true) {
    size_t end = WordEnd(text, ";&");
    // ">&2", "2>&1" redirect.
    while (end < text.size() && text[end] == '&' && end > 0 && text[end - 1] == '>') {
      end += 1 + WordEnd(text.substr(end + 1), ";&");
    }
    if (end >= text.size()) return text;
    absl::string_view rest = text.substr(end + 1);
    while (!rest.empty() && (rest.front() == '&' || IsBlank(rest.front()))) rest.remove_prefix(1);
    if (rest.empty()) return text.substr(0, end);
    text = rest;
  }
}

bool IsRedirection(absl::string_view word) {
  while (!word.empty() && absl::ascii_isdigit(word.front())) word.remove_prefix(1);
  return absl::StartsWith(word, ">") || absl::StartsWith(word, "<") || absl::StartsWith(word, "&>");
}

std::vector<std::string> Words(absl::string_view text) {
  std::vector<std::string> words;
  text = absl::StripAsciiWhitespace(text);
  while (!text.empty() && words.size() < kMaxWords) {
    const absl::string_view word = TakeWord(&text);
    if (IsRedirection(word)) {
      // "> file" is two words.
      if (word.back() == '>' || word.back() == '<') TakeWord(&text);
      continue;
    }
    if (word.front() == '#') break;  // a comment
    words.push_back(Unquoted(word));
  }
  return words;
}

}  // namespace

std::optional<absl::string_view> AfterPrompt(absl::string_view line) {
  for (size_t i = 0; i < line.size() && i <= kMaxPromptBytes; ++i) {
    if (line[i] != '$' && line[i] != '#') continue;
    if (i + 1 < line.size() && line[i + 1] != ' ') continue;
    const absl::string_view command = absl::StripAsciiWhitespace(line.substr(i + 1));
    if (i > 0) {
      if (!IsPromptName(line.substr(0, i)) || !LooksLikeCommand(command)) continue;
      return command;
    }
    if (line[i] == '$') return command;
    if (command.empty()) return std::nullopt;
    const absl::string_view name = BaseName(FirstWord(command));
    const bool known = std::find(std::begin(kKnownAfterBareHash), std::end(kKnownAfterBareHash),
                                 name) != std::end(kKnownAfterBareHash);
    return known ? std::optional(command) : std::nullopt;
  }
  return std::nullopt;
}

absl::string_view ShellCommand::tool() const {
  if (stages.empty() || stages[0].empty()) return absl::string_view();
  return BaseName(stages[0][0]);
}

ShellCommand ParseShellCommand(absl::string_view text) {
  ShellCommand command;
  text = WithoutWrappers(text);
  command.text = std::string(text);
  absl::string_view rest = WithoutWrappers(LastOfList(text));
  while (!rest.empty() && command.stages.size() < kMaxStages) {
    const size_t end = WordEnd(rest, "|");
    command.stages.push_back(Words(WithoutWrappers(rest.substr(0, end))));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return command;
}

}  // namespace tcpmedic
