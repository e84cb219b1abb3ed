// Why: a receipt that leverd writes is read back by the scripts and by leverd itself, and one that
// exists is somebody's only way back.
#include "core/stack/receipt_write.hpp"

#include "core/stack/receipt.hpp"
#include "tests/catch.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

using namespace leverd;

namespace {

const std::string digest = "sha256:" + std::string(64, 'a');

struct Folder {
    std::string path = "/tmp/leverd-receipts-XXXXXX";
    Folder() { REQUIRE(::mkdtemp(path.data()) != nullptr); }
    ~Folder() { std::filesystem::remove_all(path); }
    std::size_t files() const {
        return static_cast<std::size_t>(
            std::distance(std::filesystem::directory_iterator(path), {}));
    }
};

}  // namespace

TEST_CASE("a captured receipt is in the scripts' grammar and reads back as it was") {
    const auto text = stack::render_digest_receipt({{"hermes", digest}, {"platform", digest}});
    CHECK(text == "hermes: " + digest + "\nplatform: " + digest + "\n");
    const auto read = stack::parse_digest_receipt(text);
    CHECK(read.issues.empty());
    CHECK(read.digests.size() == 2);
    CHECK(stack::receipt_stamp(WallTime{Millis{1'778'090'400'250}}) == "20260506-180000");
}

TEST_CASE("a receipt is written whole and never over another") {
    Folder folder;
    const auto path = stack::write_new_file(folder.path, "digests-1.txt", "hermes: x\n");
    REQUIRE(path.has_value());
    const auto again = stack::write_new_file(folder.path, "digests-1.txt", "other\n");
    REQUIRE(again.has_error());
    CHECK(again.error().hint.find("never overwritten") != std::string::npos);
    std::ifstream in(*path);
    std::stringstream held;
    held << in.rdbuf();
    CHECK(held.str() == "hermes: x\n");
    CHECK(folder.files() == 1);
    CHECK(stack::write_new_file(folder.path + "/none", "x", "y").has_error());
}
