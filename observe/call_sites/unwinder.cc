#include "observe/call_sites/unwinder.h"

#include <cxxabi.h>
#include <dwarf.h>
#include <elfutils/libdwfl.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace tcpmedic {
namespace {

struct FreeDeleter {
  void operator()(void* memory) const { std::free(memory); }
};
struct DwflEnd {
  void operator()(Dwfl* dwfl) const { dwfl_end(dwfl); }
};

std::string Demangled(const char* name) {
  int status = 0;
  const std::unique_ptr<char, FreeDeleter> text(
      abi::__cxa_demangle(name, nullptr, nullptr, &status));
  return status == 0 && text != nullptr ? text.get() : name;
}

std::string SourceOf(const char* path, int line) {
  if (path == nullptr || line <= 0) return "";
  const char* const slash = std::strrchr(path, '/');
  return absl::StrCat(slash == nullptr ? path : slash + 1, ":", line);
}

// The addresses in the process minus those in the file, from the segment that the mapping shows.
std::optional<uint64_t> LoadBias(int fd, const ExecutableMapping& mapping) {
  struct ElfEnd {
    void operator()(Elf* elf) const { elf_end(elf); }
  };
  const std::unique_ptr<Elf, ElfEnd> elf(elf_begin(fd, ELF_C_READ_MMAP, nullptr));
  size_t headers = 0;
  if (elf == nullptr || elf_kind(elf.get()) != ELF_K_ELF ||
      elf_getphdrnum(elf.get(), &headers) != 0) {
    return std::nullopt;
  }
  const uint64_t page = sysconf(_SC_PAGESIZE);
  for (size_t i = 0; i < headers; ++i) {
    GElf_Phdr header;
    if (gelf_getphdr(elf.get(), static_cast<int>(i), &header) == nullptr) continue;
    if (header.p_type != PT_LOAD || (header.p_flags & PF_X) == 0) continue;
    if (mapping.offset < header.p_offset / page * page) continue;
    if (mapping.offset >= header.p_offset + header.p_filesz) continue;
    return mapping.start - (header.p_vaddr + mapping.offset - header.p_offset);
  }
  return std::nullopt;
}

// What the callbacks read while one stack is unwound.
struct Current {
  int pid = 0;
  const UserStack* stack = nullptr;
};

pid_t NextThread(Dwfl*, void* dwfl_arg, void** thread_arg) {
  if (*thread_arg != nullptr) return 0;
  *thread_arg = dwfl_arg;
  return static_cast<Current*>(dwfl_arg)->pid;
}

bool GetThread(Dwfl*, pid_t, void* dwfl_arg, void** thread_arg) {
  *thread_arg = dwfl_arg;
  return true;
}

bool ReadMemory(Dwfl*, Dwarf_Addr address, Dwarf_Word* result, void* dwfl_arg) {
  const UserStack& stack = *static_cast<Current*>(dwfl_arg)->stack;
  const uint64_t base = stack.at(Register::kSp);
  if (address < base) return false;
  const uint64_t offset = address - base;
  if (offset > stack.bytes.size() || stack.bytes.size() - offset < sizeof(*result)) return false;
  std::memcpy(result, stack.bytes.data() + offset, sizeof(*result));
  return true;
}

bool SetRegisters(Dwfl_Thread* thread, void* thread_arg) {
  // In DWARF's order for x86-64 (System V psABI, figure 3.36).
  static constexpr Register kOrder[] = {
      Register::kAx,  Register::kDx,  Register::kCx,  Register::kBx,  Register::kSi,
      Register::kDi,  Register::kBp,  Register::kSp,  Register::kR8,  Register::kR9,
      Register::kR10, Register::kR11, Register::kR12, Register::kR13, Register::kR14,
      Register::kR15, Register::kIp};
  const UserStack& stack = *static_cast<Current*>(thread_arg)->stack;
  Dwarf_Word words[std::size(kOrder)];
  for (size_t i = 0; i < std::size(kOrder); ++i) words[i] = stack.at(kOrder[i]);
  return dwfl_thread_state_registers(thread, 0, std::size(kOrder), words);
}

int FindNoElf(Dwfl_Module*, void**, const char*, Dwarf_Addr, char**, Elf**) {
  return -1;  // modules are reported with their files
}

const Dwfl_Callbacks kCallbacks = {
    .find_elf = FindNoElf,
    // dwfl_standard_find_debuginfo would ask debuginfod servers.
    .find_debuginfo = dwfl_build_id_find_debuginfo,
    .section_address = nullptr,
    .debuginfo_path = nullptr,
};
const Dwfl_Thread_Callbacks kThreadCallbacks = {
    .next_thread = NextThread,
    .get_thread = GetThread,
    .memory_read = ReadMemory,
    .set_initial_registers = SetRegisters,
    .detach = nullptr,
    .thread_detach = nullptr,
};

// Without it libdw would follow the frame pointer.
bool HasCallFrameInformation(Dwfl_Module* module, Dwarf_Addr address) {
  const auto covers = [&](Dwarf_CFI* (*get)(Dwfl_Module*, Dwarf_Addr*)) {
    Dwarf_Addr bias = 0;
    Dwarf_CFI* const cfi = get(module, &bias);
    Dwarf_Frame* frame = nullptr;
    if (cfi == nullptr || dwarf_cfi_addrframe(cfi, address - bias, &frame) != 0) return false;
    std::free(frame);
    return true;
  };
  return covers(dwfl_module_eh_cfi) || covers(dwfl_module_dwarf_cfi);
}

std::string SymbolAt(Dwfl_Module* module, Dwarf_Addr address) {
  GElf_Off offset = 0;
  GElf_Sym symbol{};
  const char* const name =
      dwfl_module_addrinfo(module, address, &offset, &symbol, nullptr, nullptr, nullptr);
  // In a stripped file the nearest symbol may be any other function's.
  if (name == nullptr || offset >= symbol.st_size) return "";
  // "__libc_start_main@@GLIBC_2.34": libdw appends the version.
  const std::vector<std::string> parts = absl::StrSplit(name, absl::MaxSplits('@', 1));
  return Demangled(parts[0].c_str());
}

std::string FunctionName(Dwarf_Die* die) {
  for (const unsigned int attribute : {DW_AT_linkage_name, DW_AT_MIPS_linkage_name, DW_AT_name}) {
    Dwarf_Attribute value;
    if (dwarf_attr_integrate(die, attribute, &value) == nullptr) continue;
    if (const char* const name = dwarf_formstring(&value)) return Demangled(name);
  }
  return "";
}

std::string CallSource(Dwarf_Die* unit, Dwarf_Die* inlined) {
  Dwarf_Attribute value;
  Dwarf_Word file = 0;
  Dwarf_Word line = 0;
  Dwarf_Files* files = nullptr;
  size_t count = 0;
  if (dwarf_formudata(dwarf_attr(inlined, DW_AT_call_file, &value), &file) != 0 ||
      dwarf_formudata(dwarf_attr(inlined, DW_AT_call_line, &value), &line) != 0 ||
      dwarf_getsrcfiles(unit, &files, &count) != 0 || file >= count || line > INT32_MAX) {
    return "";
  }
  return SourceOf(dwarf_filesrc(files, file, nullptr, nullptr), static_cast<int>(line));
}

// The function at an address and those that were inlined there, innermost first. `frame` holds what
// they share.
void AppendFunctions(Dwfl_Module* module, Dwarf_Addr address, CallFrame frame,
                     std::vector<CallFrame>* frames) {
  if (Dwfl_Line* const line = dwfl_module_getsrc(module, address)) {
    int number = 0;
    const char* const path = dwfl_lineinfo(line, nullptr, &number, nullptr, nullptr, nullptr);
    frame.source = SourceOf(path, number);
  }
  Dwarf_Addr bias = 0;
  if (Dwarf_Die* const unit = dwfl_module_addrdie(module, address, &bias)) {
    // The scopes around the address give the innermost one; its own parents are where it is inlined
    // (the former end with those of its definition).
    Dwarf_Die* found = nullptr;
    Dwarf_Die* parents = nullptr;
    const int n = dwarf_getscopes(unit, address - bias, &found);
    const int depth = n > 0 ? dwarf_getscopes_die(&found[0], &parents) : 0;
    for (int i = 0; i < depth; ++i) {
      if (dwarf_tag(&parents[i]) == DW_TAG_subprogram) break;
      if (dwarf_tag(&parents[i]) != DW_TAG_inlined_subroutine) continue;
      frame.function = FunctionName(&parents[i]);
      frames->push_back(frame);
      frame.source = CallSource(unit, &parents[i]);
    }
    std::free(parents);
    std::free(found);
  }
  frame.function = SymbolAt(module, address);
  frames->push_back(std::move(frame));
}

class DwflUnwinder : public Unwinder {
 public:
  explicit DwflUnwinder(std::unique_ptr<Dwfl, DwflEnd> dwfl) : dwfl_(std::move(dwfl)) {}

  void Report(const ProcDirectory& process, absl::string_view maps) {
    dwfl_report_begin(dwfl_.get());
    // A file is one module, at the place where it was mapped first. What is mapped a second time
    // elsewhere (V8 copies its own code so) is not: libdw would drop the first one, too.
    absl::flat_hash_set<std::pair<dev_t, ino_t>> reported;
    for (const ExecutableMapping& mapping : ParseExecutableMappings(maps)) {
      const std::string range = absl::StrCat(absl::Hex(mapping.start), "-", absl::Hex(mapping.end));
      absl::StatusOr<UniqueFd> file = process.OpenFile(absl::StrCat("map_files/", range));
      struct stat status;
      if (!file.ok()) {
        unreadable_.push_back(absl::StrCat(mapping.path, ": ", file.status().message()));
        continue;
      }
      if (fstat(file->get(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
      if (reported.contains({status.st_dev, status.st_ino})) continue;
      const std::optional<uint64_t> bias = LoadBias(file->get(), mapping);
      if (!bias) continue;
      Dwfl_Module* const module = dwfl_report_elf(dwfl_.get(), mapping.path.c_str(),
                                                  mapping.path.c_str(), file->get(), *bias, true);
      if (module == nullptr) continue;
      file->release();
      reported.insert({status.st_dev, status.st_ino});
    }
    dwfl_report_end(dwfl_.get(), nullptr, nullptr);
  }

  absl::Status Attach(int pid) {
    current_.pid = pid;
    if (!dwfl_attach_state(dwfl_.get(), nullptr, pid, &kThreadCallbacks, &current_)) {
      return absl::UnavailableError(
          absl::StrCat("unwinding pid ", pid, ": ", dwfl_errmsg(dwfl_errno())));
    }
    return absl::OkStatus();
  }

  std::vector<CallFrame> Unwind(const UserStack& stack) override {
    current_.stack = &stack;
    frames_.clear();
    // Its result tells only why the walk ended; an end is what every stack has.
    dwfl_getthread_frames(
        dwfl_.get(), current_.pid,
        [](Dwfl_Frame* frame, void* self) {
          return static_cast<DwflUnwinder*>(self)->OnFrame(frame);
        },
        this);
    if (frames_.size() > kMaxFrames) frames_.resize(kMaxFrames);
    return std::move(frames_);
  }

  const std::vector<std::string>& unreadable() const override { return unreadable_; }

 private:
  int OnFrame(Dwfl_Frame* frame) {
    Dwarf_Addr pc = 0;
    bool is_activation = false;
    if (!dwfl_frame_pc(frame, &pc, &is_activation)) return DWARF_CB_ABORT;
    // A return address may already belong to the next line, or function.
    const Dwarf_Addr address = is_activation ? pc : pc - 1;
    Dwfl_Module* const module = dwfl_addrmodule(dwfl_.get(), address);
    if (module == nullptr) {
      frames_.emplace_back().offset = address;
      return DWARF_CB_ABORT;
    }
    CallFrame common;
    common.module =
        dwfl_module_info(module, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr);
    Dwarf_Addr bias = 0;
    dwfl_module_getelf(module, &bias);
    common.offset = address - bias;
    const unsigned char* id = nullptr;
    GElf_Addr id_address = 0;
    const int id_size = dwfl_module_build_id(module, &id, &id_address);
    if (id_size > 0) {
      common.build_id = absl::BytesToHexString(
          absl::string_view(reinterpret_cast<const char*>(id), static_cast<size_t>(id_size)));
    }
    AppendFunctions(module, address, std::move(common), &frames_);
    const bool go_on = frames_.size() < kMaxFrames && HasCallFrameInformation(module, address);
    return go_on ? DWARF_CB_OK : DWARF_CB_ABORT;
  }

  Current current_;
  std::vector<CallFrame> frames_;
  std::vector<std::string> unreadable_;
  const std::unique_ptr<Dwfl, DwflEnd> dwfl_;
};

// libdwfl asks for a process's number but reads nothing of it here.
constexpr int kAnyPid = 1;

}  // namespace

absl::StatusOr<std::unique_ptr<Unwinder>> Unwinder::ForProcess(const ProcDirectory& process) {
  constexpr size_t kMaxMapsBytes = 16 << 20;
  const absl::StatusOr<std::string> maps = process.ReadFile("maps", kMaxMapsBytes);
  if (!maps.ok()) return maps.status();
  elf_version(EV_CURRENT);
  std::unique_ptr<Dwfl, DwflEnd> dwfl(dwfl_begin(&kCallbacks));
  if (dwfl == nullptr) return absl::InternalError(dwfl_errmsg(dwfl_errno()));
  auto unwinder = std::make_unique<DwflUnwinder>(std::move(dwfl));
  unwinder->Report(process, *maps);
  if (absl::Status attached = unwinder->Attach(kAnyPid); !attached.ok()) return attached;
  return unwinder;
}

std::vector<ExecutableMapping> ParseExecutableMappings(absl::string_view maps) {
  std::vector<ExecutableMapping> mappings;
  for (const absl::string_view line : absl::StrSplit(maps, '\n')) {
    // "55d0c0a00000-55d0c0a05000 r-xp 00002000 fe:00 1234      /usr/bin/a path"
    const std::vector<absl::string_view> fields = absl::StrSplit(line, absl::MaxSplits(' ', 5));
    if (fields.size() != 6 || fields[1].size() != 4 || fields[1][2] != 'x') continue;
    const std::pair<absl::string_view, absl::string_view> range =
        absl::StrSplit(fields[0], absl::MaxSplits('-', 1));
    ExecutableMapping mapping;
    absl::string_view path = absl::StripLeadingAsciiWhitespace(fields[5]);
    absl::ConsumeSuffix(&path, " (deleted)");
    if (!absl::SimpleHexAtoi(range.first, &mapping.start) ||
        !absl::SimpleHexAtoi(range.second, &mapping.end) ||
        !absl::SimpleHexAtoi(fields[2], &mapping.offset) || mapping.end <= mapping.start ||
        path.empty() || path[0] != '/') {
      continue;
    }
    mapping.path = std::string(path);
    mappings.push_back(std::move(mapping));
  }
  return mappings;
}

}  // namespace tcpmedic
