#include "diagnosis/recorded/gathered.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace tcpmedic {

template <typename T>
void Gathered::Keep(const T& one, std::vector<T>* all) {
  if (all->size() < kMaxOthers) {
    all->push_back(one);
  } else {
    ++others_not_kept_;
  }
}

void Gathered::Add(const RecordedCommand& command) {
  ++command_;
  Keep(command, &commands_);
}

void Gathered::Merge(const RecordedSocket& socket, RecordedSocket* known) {
  const SocketKey key = IsMadeUp(known->sample.key) && socket.sample.key.cookie != 0
                            ? socket.sample.key
                            : known->sample.key;
  std::vector<v1::Process> processes =
      socket.processes.empty() ? std::move(known->processes) : socket.processes;
  const bool only_some = known->only_some && socket.only_some;
  const bool holders_asked = known->holders_asked || socket.holders_asked;
  if (socket.sample.info.reported() || !known->sample.info.reported()) {
    *known = socket;
  } else {
    known->sample.state = socket.sample.state;
    known->sample.rqueue = socket.sample.rqueue;
    known->sample.wqueue = socket.sample.wqueue;
  }
  known->sample.key = key;
  known->only_some = only_some;
  known->holders_asked = holders_asked;
  known->processes = std::move(processes);
}

void Gathered::Add(const RecordedSocket& socket) {
  const SocketSample& sample = socket.sample;
  const bool listens = sample.state == TcpState::kListen;
  const FourTuple four_tuple{sample.local_ip, sample.local_port, sample.remote_ip,
                             sample.remote_port, listens};
  const auto known = by_four_tuple_.find(four_tuple);
  // One output names several listeners of one address where they share it by SO_REUSEPORT.
  if (known != by_four_tuple_.end() && !(listens && known->second.command == command_)) {
    known->second.command = command_;
    Merge(socket, &sockets_[known->second.index]);
    return;
  }
  if (sockets_.size() >= kMaxSockets) {
    ++sockets_not_kept_;
    return;
  }
  by_four_tuple_[four_tuple] = {sockets_.size(), command_};
  sockets_.push_back(socket);
  SocketKey& key = sockets_.back().sample.key;
  if (key.cookie == 0) key.cookie = kMadeUp | sockets_.size();
}

void Gathered::Add(const RecordedCounter& counter) {
  std::map<std::string, RecordedCounter>& all = counter.is_increase ? increases_ : totals_;
  if (all.size() < kMaxCounters || all.count(counter.name) != 0) {
    all[counter.name] = counter;
  } else {
    ++others_not_kept_;
  }
}

void Gathered::Add(const RecordedCount& count) { Keep(count, &counts_); }

void Gathered::Add(const RecordedProcess& process) {
  const auto known = std::find_if(
      processes_.begin(), processes_.end(),
      [&](const RecordedProcess& one) { return one.process.pid() == process.process.pid(); });
  if (known == processes_.end()) {
    Keep(process, &processes_);
  } else {
    if (!process.process.cmdline().empty()) known->process.clear_cmdline();
    known->process.MergeFrom(process.process);
    known->place = process.place;
    if (!process.remark.empty()) known->remark = process.remark;
  }
}

void Gathered::Add(const Unread& unread) { Keep(unread, &unread_); }

const RecordedCommand* Gathered::CommandOf(const Place& place) const {
  const RecordedCommand* before = nullptr;
  for (const RecordedCommand& command : commands_) {
    if (command.place.input != place.input || command.place.line > place.line) continue;
    if (before == nullptr || command.place.line >= before->place.line) before = &command;
  }
  return before == nullptr || before->text.empty() ? nullptr : before;
}

const RecordedCounter* Gathered::CounterOf(const std::string& name, bool increase) const {
  const std::map<std::string, RecordedCounter>& all = increase ? increases_ : totals_;
  const auto found = all.find(name);
  return found == all.end() ? nullptr : &found->second;
}

std::vector<std::string> Gathered::NotKept() const {
  std::vector<std::string> sentences;
  if (sockets_not_kept_ > 0) {
    sentences.push_back(absl::StrCat(sockets_not_kept_, " sockets beyond the first ", kMaxSockets,
                                     " were not looked at"));
  }
  if (others_not_kept_ > 0) {
    sentences.push_back(absl::StrCat(others_not_kept_,
                                     " commands, counts, processes or unread lines beyond the "
                                     "first ",
                                     kMaxOthers, " of a kind were not looked at"));
  }
  return sentences;
}

}  // namespace tcpmedic
