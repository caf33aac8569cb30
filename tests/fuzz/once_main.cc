// Runs a fuzz target without libFuzzer: each file below the directory that is given, whole and cut
// off in its middle.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

void Run(const std::string& input, size_t size) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(input.data()), size);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
    return 2;
  }
  constexpr size_t kMostBytes = 64 << 10;  // as much as scripts/fuzz lets libFuzzer try
  int inputs = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(argv[1])) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    std::string input{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    if (input.size() > kMostBytes) input.resize(kMostBytes);
    Run(input, input.size());
    Run(input, input.size() / 2);
    ++inputs;
  }
  std::printf("%d inputs\n", inputs);
  return inputs > 0 ? 0 : 1;
}
