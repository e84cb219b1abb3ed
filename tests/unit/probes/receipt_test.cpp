// Why: the receipt decides what "drift" means during a freeze, and it is written by a script with
// holes (wire-contracts 10).
#include "core/stack/receipt.hpp"
#include "tests/catch.hpp"

#include <fstream>

using namespace leverd;
using stack::parse_digest_receipt;
using stack::parse_workflow_receipt;

namespace {

const std::string hex_a(64, 'a');
const std::string hex_b(64, 'b');
const std::string digest_a = "sha256:" + hex_a;

}  // namespace

TEST_CASE("every form of one digest line reads alike") {
    const std::vector<std::string> lines{
        "hermes: " + digest_a,
        "hermes:" + digest_a,
        "hermes=" + digest_a,
        "hermes = " + digest_a,
        "hermes : " + digest_a,
        "hermes\t" + digest_a,
        "hermes   " + digest_a,
        "  hermes: " + digest_a + "  ",
        "hermes: " + digest_a + "\r",
        "\xEF\xBB\xBFhermes: " + digest_a,
        "hermes: " + hex_a,
        "hermes: SHA256:" + std::string(64, 'A'),
        "hermes: ghcr.io/molecule-ai/workspace-template-hermes@" + digest_a,
        "ghcr.io/molecule-ai/workspace-template-hermes@" + digest_a,
        "ghcr.io/molecule-ai/workspace-template-hermes:latest: " + digest_a,
        "ghcr.io/molecule-ai/workspace-template-hermes:latest@" + digest_a,
        "molecule-ai/workspace-template-hermes " + digest_a,
        "localhost:5000/molecule-ai/workspace-template-hermes: " + digest_a,
        "# a comment\n\nhermes: " + digest_a + "\n",
        "hermes: " + digest_a + "\nhermes: " + digest_a,
    };
    for (const auto& line : lines) {
        CAPTURE(line);
        const auto receipt = parse_digest_receipt(line);
        REQUIRE(receipt.digests.size() == 1);
        CHECK(receipt.digests.at("hermes") == digest_a);
        CHECK(receipt.issues.empty());
        CHECK_FALSE(receipt.conflicting);
    }
}

TEST_CASE("a line that says nothing is reported by number and costs only itself") {
    struct Row {
        std::string line;
        std::string issue;
    };
    const std::vector<Row> rows{
        {"openclaw:", "no digest for openclaw"},
        {"openclaw: sha256:" + std::string(63, 'a'), "no digest for openclaw"},
        {"openclaw: " + std::string(65, 'a'), "no digest for openclaw"},
        {"openclaw: " + digest_a + " sha256:" + hex_b, "several digests for openclaw"},
        {": " + digest_a, "no image name: : " + digest_a},
    };
    for (const Row& row : rows) {
        CAPTURE(row.line);
        const auto receipt =
            parse_digest_receipt("# head\r\nhermes: " + digest_a + "\r\n" + row.line + "\r\n");
        CHECK(receipt.digests.size() == 1);
        REQUIRE(receipt.issues.size() == 1);
        CHECK(receipt.issues[0].line == 3);
        CHECK(receipt.issues[0].text ==
              std::string(row.issue).substr(0, receipt.issues[0].text.size()));
    }
}

TEST_CASE("one key with two digests makes the whole file unusable") {
    const auto receipt = parse_digest_receipt("hermes: " + digest_a + "\nopenclaw: " + hex_b +
                                              "\nhermes: sha256:" + hex_b + "\n");
    CHECK(receipt.conflicting);
    CHECK(receipt.digests.empty());
    REQUIRE(receipt.issues.size() == 1);
    CHECK(receipt.issues[0] == stack::ReceiptIssue{3, "a second, different digest for hermes"});
}

TEST_CASE("a repository is found by its last word") {
    const auto receipt = parse_digest_receipt("hermes: " + digest_a + "\nplatform: " + hex_b);
    CHECK(stack::receipt_digest(receipt, "molecule-ai/workspace-template-hermes") == digest_a);
    CHECK(stack::receipt_digest(receipt, "molecule-ai/platform") == "sha256:" + hex_b);
    CHECK_FALSE(stack::receipt_digest(receipt, "molecule-ai/platform-tenant").has_value());
    CHECK_FALSE(stack::receipt_digest(receipt, "molecule-ai/canvas").has_value());
}

TEST_CASE("workflow lines want owner/repo and a yaml file") {
    const auto receipt = parse_workflow_receipt(
        "Molecule-AI/molecule-core: publish-runtime.yml\r\n"
        "Molecule-AI/molecule-core: publish-runtime.yml\r\n"
        "a/b .github/workflows/x.yaml\n"
        "molecule-core: publish.yml\n"
        "a/b: publish.txt\n"
        "a/b:\n");
    REQUIRE(receipt.workflows.size() == 2);
    CHECK(receipt.workflows[0] ==
          std::pair<std::string, std::string>{"Molecule-AI/molecule-core", "publish-runtime.yml"});
    CHECK(receipt.workflows[1] == std::pair<std::string, std::string>{"a/b", "x.yaml"});
    REQUIRE(receipt.issues.size() == 3);
    CHECK(receipt.issues[0].line == 4);
    CHECK(receipt.issues[1].line == 5);
    CHECK(receipt.issues[2].line == 6);
}

TEST_CASE("a receipt that cannot be read is an error with its path") {
    const auto missing = stack::read_digest_receipt("/nonexistent/digests.txt");
    REQUIRE(missing.has_error());
    CHECK(missing.error().what == "cannot read the receipt /nonexistent/digests.txt");
    const auto folder = stack::read_digest_receipt("/");
    CHECK((folder.has_error() || folder->digests.empty()));
}

TEST_CASE("arbitrary bytes are reported, never believed") {
    std::string bytes;
    for (int i = 0; i < 20'000; ++i) {
        bytes.push_back(static_cast<char>((i * 7919 + i / 251) % 256));
    }
    const auto receipt = parse_digest_receipt(bytes);
    CHECK(receipt.digests.empty());
    CHECK_FALSE(receipt.issues.empty());
    CHECK(parse_workflow_receipt(bytes).workflows.empty());
}
