// A lab on the real kernel, for tests: starts it, runs commands on its hosts, and shows after each
// test that nothing of it is left and that it dropped nothing by itself. Tests skip without root.
#ifndef TCPMEDIC_TESTS_LAB_LAB_FIXTURE_H_
#define TCPMEDIC_TESTS_LAB_LAB_FIXTURE_H_

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>

#include "lab/lab.h"

namespace tcpmedic::lab {

// What a lab could leave behind, as the machine shows it.
struct Machine {
  std::set<std::string> network_namespaces;
  std::set<std::string> links;
  std::set<int> lab_pids;  // of processes called tcpmedic-lab that this test has started
};
Machine Look();

// Other programs on the machine may come and go; what counts is that none of what was new is left.
void ExpectNothingNew(const Machine& before, const std::set<std::string>& lab_namespaces);

std::string NetnsLink(uint64_t inode);
std::string ReadFile(const std::string& path);

class LabFixture : public ::testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  void Start(LabOptions options);
  // The output of a command on a host.
  std::string Output(HostRole host, const std::string& command);

  std::unique_ptr<Lab> lab_;
  std::string directory_;
  Machine before_;

 private:
  int outputs_ = 0;
};

}  // namespace tcpmedic::lab

#endif  // TCPMEDIC_TESTS_LAB_LAB_FIXTURE_H_
