// Why: a secret is read only from where nobody else can read it, and no error says what it is.
#include "tests/catch.hpp"
#include "tests/unit/config/fixture.hpp"

#include <sys/stat.h>

#include <stdlib.h>

namespace leverd::config {
namespace {

// Sets a variable and puts back what was there.
class Variable {
  public:
    Variable(const char* name, const char* value) : name_(name) {
        const char* before = ::getenv(name);
        before_ = before == nullptr ? "" : before;
        had_ = before != nullptr;
        value == nullptr ? ::unsetenv(name) : ::setenv(name, value, 1);
    }
    ~Variable() { had_ ? ::setenv(name_, before_.c_str(), 1) : ::unsetenv(name_); }
    Variable(const Variable&) = delete;
    Variable& operator=(const Variable&) = delete;

  private:
    const char* name_;
    std::string before_;
    bool had_ = false;
};

std::filesystem::path secret_file(const Folder& folder, const std::string& name,
                                  std::string_view text, mode_t mode) {
    auto path = folder.write(name, text);
    REQUIRE(::chmod(path.c_str(), mode) == 0);
    return path;
}

Result<std::map<std::string, Secret>> read(const SecretSource& source) {
    Config config;
    config.secrets["s"] = source;
    return read_secrets(config);
}

std::string error_of(const Folder& folder, const SecretSource& source) {
    const auto result = read(source);
    return result.has_error() ? folder.plain(result.error().what) : "no error";
}

std::string value_of(const SecretSource& source) {
    const auto result = read(source);
    return result.has_error() ? result.error().what : result->at("s").reveal();
}

TEST_CASE("a secret comes from a file, a credential or the environment, less one newline") {
    const Folder folder;
    const Variable credentials("CREDENTIALS_DIRECTORY", folder.path("").c_str());
    const Variable variable("LEVERD_TEST_SECRET", "from-env");
    CHECK(value_of({"", secret_file(folder, "a", "from-file\n", 0600).string(), ""}) ==
          "from-file");
    CHECK(value_of({"", secret_file(folder, "b", "windows\r\n", 0400).string(), ""}) == "windows");
    CHECK(value_of({"", secret_file(folder, "c", " plain ", 0600).string(), ""}) == " plain ");
    secret_file(folder, "cred", "from-credential\n", 0440);
    CHECK(value_of({"cred", "", ""}) == "from-credential");
    CHECK(value_of({"", "", "LEVERD_TEST_SECRET"}) == "from-env");
}

TEST_CASE("a file that others can read is refused") {
    const Folder folder;
    for (const mode_t mode : {0640U, 0604U, 0620U, 0660U, 0601U}) {
        CAPTURE(mode);
        const auto path = secret_file(folder, "open", "hunter2", mode);
        const std::string text = error_of(folder, {"", path.string(), ""});
        CHECK(text.find("secret 's': open: mode 0") == 0);
        CHECK(text.find("hunter2") == std::string::npos);
    }
    const Variable credentials("CREDENTIALS_DIRECTORY", folder.path("").c_str());
    secret_file(folder, "cred", "hunter2", 0444);
    CHECK(error_of(folder, {"cred", "", ""}) ==
          "secret 's': " + std::string("/cred: mode 0444 lets others read it"));
}

TEST_CASE("a secret that is not there, empty or not one line is an error without its value") {
    const Folder folder;
    const Variable credentials("CREDENTIALS_DIRECTORY", nullptr);
    const Variable variable("LEVERD_TEST_SECRET", nullptr);
    CHECK(error_of(folder, {"", folder.path("gone").string(), ""}) ==
          "secret 's': gone: No such file or directory");
    CHECK(error_of(folder, {"", secret_file(folder, "e", "\n", 0600).string(), ""}) ==
          "secret 's': e: it is empty");
    CHECK(error_of(folder, {"", secret_file(folder, "n", "hunter2\nx: y", 0600).string(), ""}) ==
          "secret 's': n: it is not one line of plain text");
    CHECK(error_of(folder, {"", secret_file(folder, "big", std::string(65'537, 'x'), 0600).string(),
                            ""}) == "secret 's': big: larger than 65536 bytes");
    CHECK(error_of(folder, {"cred", "", ""}) ==
          "secret 's': credential cred: CREDENTIALS_DIRECTORY is not set");
    CHECK(error_of(folder, {"", "", "LEVERD_TEST_SECRET"}) ==
          "secret 's': environment variable LEVERD_TEST_SECRET: not set");
    REQUIRE(::mkfifo(folder.path("pipe").c_str(), 0600) == 0);
    CHECK(error_of(folder, {"", folder.path("pipe").string(), ""}) ==
          "secret 's': pipe: not a regular file");
}

TEST_CASE("loading reads no secret") {
    const Folder folder;
    const auto file = folder.write("leverd.toml", "[secrets]\ns = { file = \"gone\" }\n");
    const Loaded loaded = load(file, vocabulary());
    CHECK(loaded.ok());
    CHECK(loaded.config.secrets.at("s").file == folder.path("gone").string());
}

}  // namespace
}  // namespace leverd::config
