#include "diagnosis/process_schema.h"

#include <gtest/gtest.h>

#include <set>

#include "proto/proto_time.h"

namespace tcpmedic {
namespace {

// "value | basis" as evidence has it; "unknown | basis" where there is no value.
std::string Evidence(const std::string& name, const ProcessReading& reading) {
  const v1::Evidence evidence = MakeEvidence(ProcessSchema().Find(name).value(), reading);
  EXPECT_EQ(evidence.name(), name);
  std::string value = "unknown";
  if (evidence.value().has_duration_value()) {
    value = absl::FormatDuration(FromProto(evidence.value().duration_value()));
  } else if (evidence.value().has_int_value()) {
    value = std::to_string(evidence.value().int_value());
  }
  return value + " | " + evidence.basis();
}

ProcessReading Leaking() {
  ProcessReading reading;
  reading.window = absl::Seconds(15);
  reading.sockets = 9'821;
  reading.unread_eof = 20;
  reading.oldest = absl::Minutes(90);
  reading.still_sending = 0;
  reading.closed = 0;
  reading.listener_closed = false;
  reading.rise.emplace();
  reading.rise->rises = 7;
  reading.rise->rising_for = absl::Seconds(40);
  reading.rise->risen_by = 2'000;
  reading.rise->per_minute = 3'000;
  return reading;
}

TEST(ProcessSchema, EveryAttributeHasADocASourceAndANameOfItsOwn) {
  std::set<absl::string_view> names;
  for (const ProcessAttribute& attribute : ProcessAttributes()) {
    EXPECT_TRUE(names.insert(attribute.name).second) << attribute.name;
    EXPECT_EQ(attribute.name.substr(0, 8), "process.");
    EXPECT_FALSE(attribute.doc.empty()) << attribute.name;
    EXPECT_FALSE(attribute.source.empty()) << attribute.name;
  }
}

TEST(ProcessSchema, WhatProcDoesNotShowIsUnknown) {
  ProcessReading reading = Leaking();
  for (const char* name : {"process.pid", "process.comm", "process.fd_count", "process.fd_limit",
                           "process.rss_bytes", "process.memory_limit_bytes",
                           "process.rss_growth_bytes_per_min", "process.memory_limit_in"}) {
    EXPECT_EQ(Evidence(name, reading).substr(0, 7), "unknown") << name;
  }
  const v1::Process bare;
  reading.process = &bare;
  EXPECT_EQ(Evidence("process.fd_limit_in", reading).substr(0, 7), "unknown");
  EXPECT_EQ(Evidence("process.rss_bytes", reading), "unknown | now");
}

TEST(ProcessSchema, ReadEofIsWhatIsLeftOfTheSockets) {
  EXPECT_EQ(Evidence("process.unread_eof", Leaking()), "20 | now");
  EXPECT_EQ(Evidence("process.read_eof", Leaking()), "9801 | now");
}

TEST(ProcessSchema, DescriptorsRunOutAtTheirOwnSlopeOrElseAtThatOfTheSockets) {
  v1::Process process;
  process.set_fd_count(10'000);
  process.set_fd_limit(20'000);
  ProcessReading reading = Leaking();
  reading.process = &process;
  EXPECT_EQ(Evidence("process.fd_limit_in", reading),
            "3m20s | window 40s, growth_per_min for the slope of fd_count");
  process.set_fd_growth_per_min(1'000);
  *process.mutable_growth_span() = ToProto(absl::Seconds(25));
  EXPECT_EQ(Evidence("process.fd_limit_in", reading), "10m | window 25s");
}

TEST(ProcessSchema, NoLimitIsInSightWhereNothingGrows) {
  v1::Process process;
  process.set_fd_count(10'000);
  process.set_fd_limit(20'000);
  process.set_fd_growth_per_min(-3);
  process.set_rss_growth_bytes_per_min(0);
  process.set_memory_limit_bytes(1 << 30);
  process.set_memory_used_bytes(1 << 29);
  *process.mutable_growth_span() = ToProto(absl::Seconds(25));
  ProcessReading reading = Leaking();
  reading.process = &process;
  EXPECT_EQ(Evidence("process.fd_limit_in", reading), "unknown | window 25s");
  EXPECT_EQ(Evidence("process.memory_limit_in", reading), "unknown | window 25s");
  process.set_fd_growth_per_min(1e-6);  // in twenty thousand years
  EXPECT_EQ(Evidence("process.fd_limit_in", reading), "unknown | window 25s");
}

TEST(ProcessSchema, MemoryRunsOutAtTheSlopeOfRss) {
  v1::Process process;
  process.set_rss_growth_bytes_per_min(1 << 20);
  process.set_memory_limit_bytes(100 << 20);
  process.set_memory_used_bytes(40 << 20);
  *process.mutable_growth_span() = ToProto(absl::Minutes(2));
  ProcessReading reading = Leaking();
  reading.process = &process;
  EXPECT_EQ(Evidence("process.memory_limit_in", reading), "1h | window 2m");
  process.set_memory_used_bytes(101 << 20);
  EXPECT_EQ(Evidence("process.memory_limit_in", reading), "0 | window 2m");
}

TEST(ProcessSchema, AgeThatTheKernelDidNotReportSaysSo) {
  ProcessReading reading = Leaking();
  EXPECT_EQ(Evidence("process.oldest", reading), "1h30m | now");
  reading.oldest_since_seen = true;
  EXPECT_EQ(Evidence("process.oldest", reading), "1h30m | now, since first seen");
}

}  // namespace
}  // namespace tcpmedic
