// The journal's native protocol, as this test's own socket in journald's place takes it. In a mount
// namespace of its own, on a /run of its own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "controller/notify/journal_sender.h"
#include "controller/notify/payload.h"
#include "core/unique_fd.h"

namespace tcpmedic {
namespace {

using ::testing::HasSubstr;

TEST(JournalSender, SendsOneEntryWithItsFieldsAndKnowsWhenNobodyIsThere) {
  ASSERT_EQ(unshare(CLONE_NEWNS), 0) << strerror(errno);
  ASSERT_EQ(mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0) << strerror(errno);
  ASSERT_EQ(mount("tmpfs", "/run", "tmpfs", 0, nullptr), 0) << strerror(errno);

  Delivery delivery;
  delivery.alert.set_key("i-1/a");
  delivery.alert.set_state(v1::Alert::STATE_FIRING);
  (*delivery.alert.mutable_labels())["severity"] = "critical";
  (*delivery.alert.mutable_annotations())["summary"] = "a leak";
  const auto sender = MakeJournalSender();

  const SendResult nobody = sender->Send({delivery}, absl::Now());
  EXPECT_EQ(nobody.arrival, SendResult::Arrival::kNotArrived);
  EXPECT_EQ(nobody.problem, "use /run/systemd/journal/socket: ENOENT");

  ASSERT_EQ(mkdir("/run/systemd", 0755), 0);
  ASSERT_EQ(mkdir("/run/systemd/journal", 0755), 0);
  const UniqueFd journal(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  strcpy(address.sun_path, "/run/systemd/journal/socket");
  ASSERT_EQ(bind(journal.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);

  const SendResult sent = sender->Send({delivery}, absl::Now());
  EXPECT_EQ(sent.arrival, SendResult::Arrival::kAcknowledged) << sent.problem;
  char entry[4096];
  const ssize_t length = recv(journal.get(), entry, sizeof(entry), MSG_DONTWAIT);
  ASSERT_GT(length, 0) << strerror(errno);
  const std::string text(entry, length);
  for (const std::string line :
       {"MESSAGE=a leak\n", "PRIORITY=2\n", "TCPMEDIC_KEY=i-1/a\n", "TCPMEDIC_STATE=firing\n",
        "TCPMEDIC_LABEL_SEVERITY=critical\n", "SYSLOG_IDENTIFIER=tcpmedic-controller\n"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
  EXPECT_THAT(text, HasSubstr(std::string("MESSAGE_ID=") + kJournalFiring + "\n"));
}

}  // namespace
}  // namespace tcpmedic
