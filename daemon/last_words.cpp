// Why: see last_words.hpp. Memory may be what is missing, so nothing here asks for any; and what an
// exception says may hold a secret, so only its type is told.
#include "daemon/last_words.hpp"

#include "daemon/log.hpp"

#include <cxxabi.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <exception>
#include <new>
#include <typeinfo>

namespace leverd {
namespace {

bool journal = false;

void say(const char* text) {
    (void)!::write(STDERR_FILENO, text, std::strlen(text));
}

void begin() {
    if (journal) {
        say(SD_CRIT);
    }
    say("level=critical event=fatal what=\"");
}

void say_what_was_thrown(const std::type_info& type) {
    try {
        throw;
    } catch (const std::bad_alloc&) {
        say("memory ran out where nobody could go on without it");
    } catch (...) {
        say("nobody caught an exception of type ");
        say(type.name());
    }
}

[[noreturn]] void end() {
    const std::type_info* type = abi::__cxa_current_exception_type();
    begin();
    if (type == nullptr) {
        say("terminated without an exception");
    } else {
        say_what_was_thrown(*type);
    }
    say("\" exit=1 next=\"systemd starts it again\"\n");
    ::_exit(1);
}

// A library that is caught half-way by a failed request for memory may leave null pointers behind.
void end_by(int signal) {
    begin();
    say(signal == SIGSEGV  ? "it crashed: SIGSEGV"
        : signal == SIGBUS ? "it crashed: SIGBUS"
                           : "it crashed: SIGABRT");
    say("\" exit=1 next=\"systemd starts it again; please report it\"\n");
    ::_exit(1);
}

}  // namespace

void end_with_last_words() {
    journal = log::to_journal();
    std::set_terminate(end);
    for (const int signal : {SIGSEGV, SIGBUS, SIGABRT}) {
        struct sigaction before{};
        // Somebody who looks for such defects, like a sanitizer, says more about them.
        if (::sigaction(signal, nullptr, &before) == 0 && before.sa_handler == SIG_DFL) {
            struct sigaction ours{};
            ours.sa_handler = end_by;
            (void)::sigaction(signal, &ours, nullptr);
        }
    }
}

}  // namespace leverd
