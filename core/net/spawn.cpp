// Why: see spawn.hpp. The parent prepares every text and descriptor before the fork; the child
// makes system calls only and reports the first that failed through a pipe that exec closes.
#include "core/net/spawn.hpp"

#include "core/net/descriptors.hpp"
#include "core/net/keeper.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <vector>

#include <fcntl.h>
#include <grp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace leverd::net {
namespace {

class Descriptor {
  public:
    Descriptor() = default;
    explicit Descriptor(int fd) : fd_(fd) {}
    ~Descriptor() { reset(-1); }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;

    void reset(int fd) {
        if (fd_ >= 0) {
            ::close(fd_);
        }
        fd_ = fd;
    }
    int get() const { return fd_; }
    int release() {
        const int fd = fd_;
        fd_ = -1;
        return fd;
    }

  private:
    int fd_ = -1;
};

// Which step of the child failed; the words are step_names.
enum Step : int { step_files, step_directory, step_user, step_exec };
constexpr std::array step_names{"passing the files", "changing to the directory",
                                "changing the user", "starting the program"};

struct Report {
    int step = 0;
    int code = 0;
};

// Everything the child needs, made before the fork.
struct Plan {
    const char* program = nullptr;
    const char* directory = nullptr;
    std::vector<char*> argv;
    std::vector<char*> environment;
    const ProcessUser* user = nullptr;
    int in = -1;
    int out = -1;
    int err = -1;
    int report = -1;
};

constexpr int report_fd = 3;

[[noreturn]] void give_up(int report, Step step) {
    const Report words{step, errno};
    [[maybe_unused]] const auto written = ::write(report, &words, sizeof words);
    ::_exit(127);
}

// Above the standard ones, so that giving those out overwrites none.
bool lift(int& fd) {
    fd = ::fcntl(fd, F_DUPFD_CLOEXEC, 10);
    return fd >= 0;
}

[[noreturn]] void become(const Plan& plan) {
    int in = plan.in;
    int out = plan.out;
    int err = plan.err;
    int report = plan.report;
    ::setpgid(0, 0);
    // Ends with its keeper also when that is killed.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    for (int number = 1; number < SIGRTMIN; ++number) {
        ::signal(number, SIG_DFL);
    }
    if (!lift(in) || !lift(out) || !lift(err) || !lift(report) || ::dup2(in, 0) < 0 ||
        ::dup2(out, 1) < 0 || ::dup2(err, 2) < 0 || ::dup3(report, report_fd, O_CLOEXEC) < 0) {
        give_up(plan.report, step_files);
    }
    ::syscall(SYS_close_range, report_fd + 1, ~0U, 0U);
    if (::chdir(plan.directory) != 0) {
        give_up(report_fd, step_directory);
    }
    if (plan.user != nullptr && (::setgroups(0, nullptr) != 0 || ::setgid(plan.user->gid) != 0 ||
                                 ::setuid(plan.user->uid) != 0)) {
        give_up(report_fd, step_user);
    }
    ::execve(plan.program, plan.argv.data(), plan.environment.data());
    give_up(report_fd, step_exec);
}

void begin(const void* plan) {
    become(*static_cast<const Plan*>(plan));
}

bool failed(SpawnFault& fault, const char* step) {
    fault.code = errno;
    fault.step = step;
    return false;
}

struct Pipe {
    Descriptor reading;
    Descriptor writing;

    bool open() {
        std::array<int, 2> ends{};
        if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
            return false;
        }
        reading.reset(ends[0]);
        writing.reset(ends[1]);
        return true;
    }
};

// A file in memory: the whole input is there before the program begins, and nobody waits for a
// program that does not read it.
bool make_input(const std::string& text, Descriptor& input) {
    if (text.empty()) {
        input.reset(::open("/dev/null", O_RDONLY | O_CLOEXEC));
        return input.get() >= 0;
    }
    input.reset(::memfd_create("input", MFD_CLOEXEC));
    if (input.get() < 0) {
        return false;
    }
    std::size_t done = 0;
    while (done < text.size()) {
        const auto n = ::write(input.get(), text.data() + done, text.size() - done);
        if (n < 0) {
            return false;
        }
        done += static_cast<std::size_t>(n);
    }
    return ::lseek(input.get(), 0, SEEK_SET) == 0;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> all;
    for (std::string& text : texts) {
        all.push_back(text.data());
    }
    all.push_back(nullptr);
    return all;
}

void reap(pid_t pid) {
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
}

// Waits for exec or its failure, which both come at once.
bool started(int reports, SpawnFault& fault) {
    Report words;
    ssize_t n = -1;
    do {
        n = ::read(reports, &words, sizeof words);
    } while (n < 0 && errno == EINTR);
    if (n == 0) {
        return true;
    }
    fault.code = n == static_cast<ssize_t>(sizeof words) ? words.code : errno;
    const auto step = static_cast<std::size_t>(words.step);
    fault.step = step_names[step < step_names.size() ? step : 0];
    return false;
}

}  // namespace

bool spawn_child(const ProcessRequest& request, Child& child, SpawnFault& fault) {
    if (request.argv.empty() || !request.argv.front().starts_with('/')) {
        errno = EINVAL;
        return failed(fault, "the program needs an absolute path");
    }
    std::vector<std::string> argv = request.argv;
    std::vector<std::string> environment;
    for (const auto& [name, value] : request.environment) {
        environment.push_back(name + "=" + value);
    }
    Descriptor in;
    Pipe out;
    Pipe err;
    Pipe report;
    Pipe control;
    Pipe status;
    if (!make_input(request.input, in) || !out.open() || !err.open() || !report.open() ||
        !control.open() || !status.open()) {
        return failed(fault, "opening pipes");
    }
    if (!leaves_reserve(status.writing.get())) {
        errno = EMFILE;
        return failed(fault, "opening pipes");
    }
    Plan plan;
    plan.program = argv.front().c_str();
    plan.directory = request.directory.c_str();
    plan.argv = pointers(argv);
    plan.environment = pointers(environment);
    plan.user = request.user ? &*request.user : nullptr;
    plan.in = in.get();
    plan.out = out.writing.get();
    plan.err = err.writing.get();
    plan.report = report.writing.get();
    const pid_t pid = ::fork();
    if (pid < 0) {
        return failed(fault, "starting a process");
    }
    if (pid == 0) {
        keep(Keeper{control.reading.get(), status.writing.get()}, begin, &plan);
    }
    report.writing.reset(-1);
    control.reading.reset(-1);
    status.writing.reset(-1);
    if (!started(report.reading.get(), fault)) {
        control.writing.reset(-1);
        reap(pid);
        return false;
    }
    const auto gone = ::syscall(SYS_pidfd_open, pid, 0U);
    if (gone < 0) {
        failed(fault, "watching the process");
        control.writing.reset(-1);
        reap(pid);
        return false;
    }
    child.keeper = pid;
    child.gone = static_cast<int>(gone);
    child.ended = status.reading.release();
    child.control = control.writing.release();
    child.out = out.reading.release();
    child.err = err.reading.release();
    return true;
}

}  // namespace leverd::net
