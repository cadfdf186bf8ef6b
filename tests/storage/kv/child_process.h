// Runs kv_child and reads what it says.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

namespace hilum::storage::testing {

class ChildProcess {
 public:
  // `environment` entries are "NAME=value".
  ChildProcess(std::vector<std::string> arguments, std::vector<std::string> environment = {}) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) ::abort();
    std::vector<char*> argv;
    for (auto& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    std::vector<char*> envp;
    for (auto& entry : environment) envp.push_back(entry.data());
    for (char** inherited = environ; *inherited != nullptr; ++inherited) envp.push_back(*inherited);
    envp.push_back(nullptr);
    process_ = ::fork();
    if (process_ == 0) {
      ::dup2(ends[1], STDOUT_FILENO);
      ::execve(argv[0], argv.data(), envp.data());
      ::_exit(127);
    }
    ::close(ends[1]);
    output_ = ends[0];
  }
  ~ChildProcess() {
    Kill();
    ::close(output_);
  }

  void Kill() {
    if (process_ > 0) ::kill(process_, SIGKILL);
    Wait();
  }
  // The exit status, or minus the signal that ended it.
  int Wait() {
    if (process_ > 0) {
      int status = 0;
      ::waitpid(process_, &status, 0);
      outcome_ = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
      process_ = -1;
    }
    return outcome_;
  }

  // The next line; false at the end.
  bool ReadLine(std::string* line) {
    while (true) {
      const size_t end = pending_.find('\n');
      if (end != std::string::npos) {
        *line = pending_.substr(0, end);
        pending_.erase(0, end + 1);
        return true;
      }
      char chunk[65536];
      const ssize_t length = ::read(output_, chunk, sizeof(chunk));
      if (length <= 0) return false;
      pending_.append(chunk, static_cast<size_t>(length));
    }
  }
  std::vector<std::string> ReadLines() {
    std::vector<std::string> lines;
    for (std::string line; ReadLine(&line);) lines.push_back(line);
    return lines;
  }

 private:
  pid_t process_ = -1;
  int output_ = -1;
  int outcome_ = 0;
  std::string pending_;
};

}  // namespace hilum::storage::testing
