// A /proc in a temporary directory: processes with the sockets that they hold.
#ifndef TCPMEDIC_TESTS_SCAN_FAKE_PROC_H_
#define TCPMEDIC_TESTS_SCAN_FAKE_PROC_H_

#include <stdlib.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"

namespace tcpmedic {

class FakeProc {
 public:
  FakeProc() {
    char dir[] = "/tmp/tcpmedic-proc-XXXXXX";
    root_ = mkdtemp(dir);
    std::ofstream(root_ / "stat") << "btime 1700000000\n";
  }
  ~FakeProc() { std::filesystem::remove_all(root_); }

  void Start(int pid, const std::string& comm, uint64_t start_ticks = 100, int64_t rss_kib = 2048) {
    const std::filesystem::path dir = root_ / absl::StrCat(pid);
    std::filesystem::create_directories(dir / "fd");
    // proc(5): comm and state, then fields 4 to 21, then starttime.
    std::ofstream(dir / "stat") << pid << " (" << comm
                                << ") S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 " << start_ticks
                                << " 0 0\n";
    std::ofstream(dir / "cmdline") << comm << '\0';
    std::ofstream(dir / "cgroup") << "0::/system.slice/" << comm << ".service\n";
    std::ofstream(dir / "limits") << "Limit Soft Hard Units\nMax open files 1024 4096 files\n";
    SetRss(pid, rss_kib);
  }
  void SetRss(int pid, int64_t rss_kib) {
    std::ofstream(root_ / absl::StrCat(pid) / "status")
        << "Uid:\t33\t33\t33\t33\nVmRSS:\t" << rss_kib << " kB\n";
  }
  void End(int pid) { std::filesystem::remove_all(root_ / absl::StrCat(pid)); }
  void Hold(int pid, int fd, uint32_t inode) {
    std::filesystem::create_symlink(absl::StrCat("socket:[", inode, "]"),
                                    root_ / absl::StrCat(pid) / "fd" / absl::StrCat(fd));
  }
  void Close(int pid, int fd) {
    std::filesystem::remove(root_ / absl::StrCat(pid) / "fd" / absl::StrCat(fd));
  }

  std::string root() const { return root_.string(); }

 private:
  std::filesystem::path root_;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_TESTS_SCAN_FAKE_PROC_H_
