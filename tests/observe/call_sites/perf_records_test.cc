// Perf's records, from bytes: what perf_event_open(2) says they look like, and hostile ones.
#include "observe/call_sites/perf_records.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>

#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace tcpmedic {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr TraceLayout kLayout = {443, 442, 8, 16, 8, 16};

// As Linux 6.18 prints them.
constexpr absl::string_view kEnterFormat =
    "name: sys_enter\n"
    "ID: 443\n"
    "format:\n"
    "\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
    "\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n"
    "\n"
    "\tfield:long id;\toffset:8;\tsize:8;\tsigned:1;\n"
    "\tfield:unsigned long args[6];\toffset:16;\tsize:48;\tsigned:0;\n"
    "\n"
    "print fmt: \"NR %ld (%lx, %lx, %lx, %lx, %lx, %lx)\", REC->id, REC->args[0]\n";
constexpr absl::string_view kExitFormat =
    "name: sys_exit\n"
    "ID: 442\n"
    "format:\n"
    "\tfield:long id;\toffset:8;\tsize:8;\tsigned:1;\n"
    "\tfield:long ret;\toffset:16;\tsize:8;\tsigned:1;\n";

template <typename T>
void Append(std::string* bytes, T value) {
  bytes->append(reinterpret_cast<const char*>(&value), sizeof(value));
}

std::string Record(uint32_t type, const std::string& body) {
  perf_event_header header{};
  header.type = type;
  header.size = static_cast<uint16_t>(sizeof(header) + body.size());
  std::string record;
  Append(&record, header);
  return record + body;
}

struct Sample {
  uint16_t event = kLayout.exit_id;
  int64_t call = SYS_read;
  int64_t result = 0;  // of a return; the first argument of a call
  uint64_t di = 7;
  uint64_t dx = 512;
  uint64_t abi = PERF_SAMPLE_REGS_ABI_64;
  std::string stack = "stackcpy";
  uint64_t reserved = 16;

  std::string Bytes() const {
    std::string body;
    Append<int32_t>(&body, 812);
    Append<int32_t>(&body, 813);
    Append<int64_t>(&body, 1'000'000);
    std::string raw;
    Append(&raw, event);
    raw.resize(8);
    Append(&raw, call);
    Append(&raw, result);
    raw.resize(28);  // with its size, a multiple of 8
    Append<uint32_t>(&body, static_cast<uint32_t>(raw.size()));
    body += raw;
    Append(&body, abi);
    for (uint64_t i = 0; abi != PERF_SAMPLE_REGS_ABI_NONE && i < 17; ++i) {
      Append<uint64_t>(&body, i == 5 ? di : i == 3 ? dx : 100 + i);
    }
    Append(&body, reserved);
    if (reserved > 0) {
      std::string copy = stack;
      copy.resize(reserved);
      body += copy;
      Append<uint64_t>(&body, stack.size());
    }
    return Record(PERF_RECORD_SAMPLE, body);
  }
  absl::StatusOr<std::optional<TracedCall>> Parse() const { return ParseSample(Bytes(), kLayout); }
};

TEST(TraceFormats, SayWhereTheFieldsAre) {
  const auto layout = ParseTraceFormats(kEnterFormat, kExitFormat);
  ASSERT_TRUE(layout.ok()) << layout.status();
  EXPECT_EQ(*layout, kLayout);
}

TEST(TraceFormats, AFieldThatIsMissingOrNarrowIsNamed) {
  const std::string narrow =
      "ID: 442\n\tfield:long id;\toffset:8;\tsize:8;\n\tfield:long ret;\toffset:12;\tsize:4;\n";
  const auto status = ParseTraceFormats(kEnterFormat, narrow).status();
  EXPECT_TRUE(absl::IsUnimplemented(status));
  EXPECT_THAT(status.message(), HasSubstr("\"long ret\""));
  EXPECT_FALSE(ParseTraceFormats("", kExitFormat).ok());
  EXPECT_FALSE(ParseTraceFormats(kEnterFormat, "ID: 99999999\n").ok());
}

TEST(PerfSample, AReadThatReturnedZeroCarriesDescriptorRegistersAndStack) {
  const auto call = Sample().Parse();
  ASSERT_TRUE(call.ok() && call->has_value()) << call.status();
  EXPECT_EQ((*call)->pid, 812);
  EXPECT_EQ((*call)->tid, 813);
  EXPECT_EQ((*call)->time_ns, 1'000'000);
  EXPECT_EQ((*call)->kind, CallKind::kReadEof);
  EXPECT_EQ((*call)->fd, 7);
  ASSERT_NE((*call)->stack, nullptr);
  EXPECT_EQ((*call)->stack->bytes, "stackcpy");
  EXPECT_EQ((*call)->stack->at(Register::kSp), 107u);
  EXPECT_EQ((*call)->stack->at(Register::kIp), 108u);
  EXPECT_EQ((*call)->stack->at(Register::kR15), 116u);
}

TEST(PerfSample, EachCallIsWhatItDidToTheDescriptor) {
  struct Case {
    const char* name;
    Sample sample;
    std::optional<std::pair<CallKind, int>> expected;
  };
  using Did = std::pair<CallKind, int>;
  const std::vector<Case> cases = {
      {"data", {.call = SYS_recvfrom, .result = 12}, Did{CallKind::kRead, 7}},
      {"recvmsg at the end", {.call = SYS_recvmsg, .dx = 0}, Did{CallKind::kReadEof, 7}},
      {"readv at the end", {.call = SYS_readv}, Did{CallKind::kReadEof, 7}},
      {"a read of no bytes", {.dx = 0}, std::nullopt},
      {"a read that failed", {.result = -11}, std::nullopt},
      {"accept's result", {.call = SYS_accept, .result = 9}, Did{CallKind::kAccept, 9}},
      {"accept4's result", {.call = SYS_accept4, .result = 9}, Did{CallKind::kAccept, 9}},
      {"an accept that failed", {.call = SYS_accept, .result = -24}, std::nullopt},
      {"close, as it begins",
       {.event = kLayout.enter_id, .call = SYS_close, .result = 5},
       Did{CallKind::kClose, 5}},
      {"another call", {.call = SYS_write}, std::nullopt},
      {"the upper half of the register", {.di = 0xffff'ffff'0000'0007}, Did{CallKind::kReadEof, 7}},
      {"no descriptor", {.di = 0xffff'ffff}, std::nullopt},
      {"32-bit code", {.abi = PERF_SAMPLE_REGS_ABI_32}, std::nullopt},
      {"a kernel thread", {.abi = PERF_SAMPLE_REGS_ABI_NONE}, std::nullopt},
  };
  for (const Case& c : cases) {
    const auto call = c.sample.Parse();
    ASSERT_TRUE(call.ok()) << c.name << ": " << call.status();
    ASSERT_EQ(call->has_value(), c.expected.has_value()) << c.name;
    if (!c.expected) continue;
    EXPECT_EQ(Did((*call)->kind, (*call)->fd), *c.expected) << c.name;
  }
}

TEST(PerfSample, EveryShorterRecordIsMalformed) {
  const std::string whole = Sample().Bytes();
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_TRUE(absl::IsDataLoss(ParseSample({whole.data(), size}, kLayout).status())) << size;
  }
}

TEST(PerfSample, AStackThatClaimsMoreThanWasReservedIsMalformed) {
  std::string bytes = Sample().Bytes();
  const uint64_t copied = 17;  // of 16
  std::memcpy(bytes.data() + bytes.size() - 8, &copied, 8);
  EXPECT_TRUE(absl::IsDataLoss(ParseSample(bytes, kLayout).status()));
  const uint64_t reserved = ~uint64_t{0};
  std::memcpy(bytes.data() + bytes.size() - 8 - 16 - 8, &reserved, 8);
  EXPECT_TRUE(absl::IsDataLoss(ParseSample(bytes, kLayout).status()));
}

TEST(PerfSample, OtherTracepointsAndCutFieldsAreMalformed) {
  EXPECT_TRUE(absl::IsDataLoss(Sample{.event = 1}.Parse().status()));
  TraceLayout far = kLayout;
  far.exit_result_offset = SIZE_MAX;
  EXPECT_TRUE(absl::IsDataLoss(ParseSample(Sample().Bytes(), far).status()));
}

TEST(PerfSample, NoBytesMakeItReadBeyondTheRecord) {
  std::mt19937 random(1);
  const std::string whole = Sample().Bytes();
  for (int i = 0; i < 50'000; ++i) {
    // Of its own size on the heap, so that a sanitizer sees each byte too far.
    std::vector<char> bytes(whole.begin(), whole.begin() + random() % (whole.size() + 1));
    for (int flips = random() % 8; flips > 0 && !bytes.empty(); --flips) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    ParseSample(bytes, kLayout).IgnoreError();
    LostRecords(bytes);
    IsSample(bytes);
  }
}

TEST(PerfRecords, LostOnesAreCounted) {
  std::string body;
  Append<uint64_t>(&body, 3);
  Append<uint64_t>(&body, 41);
  EXPECT_EQ(LostRecords(Record(PERF_RECORD_LOST, body)), 41);
  EXPECT_EQ(LostRecords(Record(PERF_RECORD_LOST, body.substr(0, 12))), std::nullopt);
  EXPECT_EQ(LostRecords(Record(PERF_RECORD_THROTTLE, body)), std::nullopt);
}

struct Walk {
  bool whole = false;
  std::vector<std::string> records;
};
Walk Read(const std::string& ring, uint64_t tail, uint64_t head) {
  Walk walk;
  std::string scratch;
  walk.whole = ForEachRecord(ring, tail, head, &scratch, [&](absl::Span<const char> record) {
    walk.records.emplace_back(record.data(), record.size());
  });
  return walk;
}

TEST(PerfRing, RecordsComeInOrderAndWrap) {
  const std::string first = Record(PERF_RECORD_SAMPLE, "firstrec");           // 16 bytes
  const std::string second = Record(PERF_RECORD_SAMPLE, "secondrecord1234");  // 24 bytes
  // 64 bytes that have gone round three times: `second` begins 8 bytes before the end.
  std::string ring(64, '\0');
  const uint64_t tail = 3 * 64 + 40;
  const std::string both = first + second;
  for (size_t i = 0; i < both.size(); ++i) ring[(tail + i) % 64] = both[i];
  const Walk walk = Read(ring, tail, tail + both.size());
  EXPECT_TRUE(walk.whole);
  EXPECT_THAT(walk.records, ElementsAre(first, second));
}

TEST(PerfRing, ImpossibleLengthsEndTheWalk) {
  std::string ring(64, '\0');
  EXPECT_FALSE(Read(ring, 0, 64).whole);  // a record of 0 bytes
  const std::string record = Record(PERF_RECORD_SAMPLE, "firstrec");
  ring.replace(0, record.size(), record);
  EXPECT_FALSE(Read(ring, 0, 12).whole);                // ends within the record
  EXPECT_FALSE(Read(ring, 0, 4).whole);                 // ends within its header
  EXPECT_FALSE(Read(ring, 64, 32).whole);               // head before tail
  EXPECT_FALSE(Read(ring, 0, 128).whole);               // more than the ring holds
  EXPECT_FALSE(Read(ring.substr(0, 48), 0, 16).whole);  // not a power of two
  EXPECT_THAT(Read(ring, 0, 32).records, ElementsAre(record));
  EXPECT_THAT(Read(ring, 16, 16).records, IsEmpty());
  EXPECT_TRUE(Read(ring, 16, 16).whole);
}

}  // namespace
}  // namespace tcpmedic
