// Why: see receipt_write.hpp. The bytes are made durable under a name of their own and then linked:
// a link never replaces a file, and a cut never leaves half of one.
#include "core/stack/receipt_write.hpp"

#include "core/base/text.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace leverd::stack {
namespace {

Error broken(const std::string& what, const std::string& path, int code) {
    Error error;
    error.what = fmt::format("{} {}: {}", what, sanitize(path, 300), std::strerror(code));
    error.hint = code == EEXIST ? "a receipt is never overwritten: move it, or capture again"
                                : "check that the directory exists and may be written";
    return error;
}

// 0, or the errno of the step that went wrong.
int put_durably(int file, const std::string& text) {
    std::size_t done = 0;
    while (done < text.size()) {
        const auto put = ::write(file, text.data() + done, text.size() - done);
        if (put < 0 && errno != EINTR) {
            return errno;
        }
        done += put > 0 ? static_cast<std::size_t>(put) : 0;
    }
    return ::fsync(file) == 0 ? 0 : errno;
}

std::string render(const std::vector<std::pair<std::string, std::string>>& rows) {
    std::string text;
    for (const auto& [key, value] : rows) {
        text += fmt::format("{}: {}\n", key, value);
    }
    return text;
}

}  // namespace

std::string render_digest_receipt(const std::vector<std::pair<std::string, std::string>>& digests) {
    return render(digests);
}

std::string render_workflow_receipt(
    const std::vector<std::pair<std::string, std::string>>& workflows) {
    return render(workflows);
}

std::string receipt_stamp(WallTime at) {
    const std::time_t seconds = to_millis(at) / 1000;
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    return fmt::format("{:04}{:02}{:02}-{:02}{:02}{:02}", parts.tm_year + 1900, parts.tm_mon + 1,
                       parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

Result<std::string> write_new_file(const std::string& directory, const std::string& name,
                                   const std::string& text) {
    const std::string path = directory + "/" + name;
    std::string making = directory + "/." + name + ".XXXXXX";
    const int file = ::mkstemp(making.data());
    if (file < 0) {
        return broken("cannot write in", directory, errno);
    }
    ::fchmod(file, 0644);
    int code = put_durably(file, text);
    ::close(file);
    if (code == 0 && ::link(making.c_str(), path.c_str()) != 0) {
        code = errno;
    }
    ::unlink(making.c_str());
    if (code != 0) {
        return broken("cannot write", path, code);
    }
    const int folder = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder >= 0) {
        ::fsync(folder);
        ::close(folder);
    }
    return Result<std::string>(boost::system::in_place_value, path);
}

}  // namespace leverd::stack
