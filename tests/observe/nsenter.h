// A namespace's settings as another program reads and writes them: what our own code says it did is
// checked from outside.
#ifndef TCPMEDIC_TESTS_OBSERVE_NSENTER_H_
#define TCPMEDIC_TESTS_OBSERVE_NSENTER_H_

#include <gtest/gtest.h>

#include <cstdio>
#include <memory>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "core/sysctl_catalogue.h"
#include "tests/observe/throwaway_namespace.h"

namespace tcpmedic {

// What `command` prints inside the namespace, without the newline at the end.
inline std::string Nsenter(const NamespaceProcess& netns, const std::string& command) {
  const std::string line = absl::StrCat("nsenter --target ", netns.pid(), " --net -- ", command);
  std::unique_ptr<FILE, int (*)(FILE*)> output(popen(line.c_str(), "r"), pclose);
  std::string text;
  char buffer[256];
  while (output != nullptr && fgets(buffer, sizeof(buffer), output.get()) != nullptr) {
    text += buffer;
  }
  EXPECT_TRUE(output != nullptr && pclose(output.release()) == 0) << line;
  return std::string(absl::StripTrailingAsciiWhitespace(text));
}

inline std::string SettingIn(const NamespaceProcess& netns, const std::string& name) {
  return Nsenter(netns, absl::StrCat("cat /proc/sys/", SysctlPath(name)));
}

inline void SetIn(const NamespaceProcess& netns, const std::string& name,
                  const std::string& value) {
  Nsenter(netns, absl::StrCat("sh -c 'echo ", value, " > /proc/sys/", SysctlPath(name), "'"));
}

}  // namespace tcpmedic

#endif  // TCPMEDIC_TESTS_OBSERVE_NSENTER_H_
