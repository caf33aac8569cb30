#include "agent/act/record_frames.h"

#include <array>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace tcpmedic {
namespace {

constexpr size_t kHeaderBytes = 8;  // length, then CRC, both little-endian

constexpr std::array<uint32_t, 256> MakeCrcTable() {
  std::array<uint32_t, 256> table{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (crc & 1 ? 0x82f63b78u : 0u);
    table[byte] = crc;
  }
  return table;
}
constexpr std::array<uint32_t, 256> kCrcTable = MakeCrcTable();

uint32_t Extend(uint32_t crc, absl::string_view bytes) {
  for (const char c : bytes) crc = kCrcTable[(crc ^ static_cast<uint8_t>(c)) & 0xff] ^ (crc >> 8);
  return crc;
}

std::string LittleEndian(uint32_t value) {
  std::string bytes;
  for (int shift = 0; shift < 32; shift += 8) bytes.push_back(static_cast<char>(value >> shift));
  return bytes;
}

uint32_t ReadLittleEndian(absl::string_view bytes) {
  uint32_t value = 0;
  for (int i = 3; i >= 0; --i) value = value << 8 | static_cast<uint8_t>(bytes[i]);
  return value;
}

// Over the length too: a damaged length must not pass for a torn record.
uint32_t FrameCrc(absl::string_view length, absl::string_view record) {
  return ~Extend(Extend(~0u, length), record);
}

// The record that begins `file`; nullopt: none does.
std::optional<absl::string_view> FirstRecord(absl::string_view file) {
  if (file.size() < kHeaderBytes) return std::nullopt;
  const absl::string_view length = file.substr(0, 4);
  const size_t size = ReadLittleEndian(length);
  if (size == 0 || size > file.size() - kHeaderBytes) return std::nullopt;
  const absl::string_view record = file.substr(kHeaderBytes, size);
  if (FrameCrc(length, record) != ReadLittleEndian(file.substr(4, 4))) return std::nullopt;
  return record;
}

}  // namespace

uint32_t Crc32c(absl::string_view bytes) { return ~Extend(~0u, bytes); }

void AppendFrame(absl::string_view record, std::string* file) {
  const std::string length = LittleEndian(static_cast<uint32_t>(record.size()));
  absl::StrAppend(file, length, LittleEndian(FrameCrc(length, record)), record);
}

absl::StatusOr<Frames> ReadFrames(absl::string_view file) {
  Frames frames;
  size_t at = 0;
  while (at < file.size()) {
    const std::optional<absl::string_view> record = FirstRecord(file.substr(at));
    if (!record.has_value()) break;
    frames.records.push_back(*record);
    at += kHeaderBytes + record->size();
  }
  frames.torn_bytes = file.size() - at;
  // Each record is synced before the next is written, so what follows a torn one cannot be whole.
  for (size_t later = at + 1; later < file.size(); ++later) {
    if (FirstRecord(file.substr(later)).has_value()) {
      return absl::DataLossError(absl::StrCat("the record at byte ", at, " is damaged"));
    }
  }
  return frames;
}

}  // namespace tcpmedic
