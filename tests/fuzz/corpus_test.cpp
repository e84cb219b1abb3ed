// Why: every input that was ever worth keeping is read again on each run, with or without a fuzzer.
#include "tests/catch.hpp"
#include "tests/fuzz/targets.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>

namespace leverd::fuzz {
namespace {

std::string bytes_of(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

TEST_CASE("every target has a corpus and keeps its promises on it") {
    const std::filesystem::path corpus = LEVERD_CORPUS;
    for (const Target& target : targets()) {
        INFO(target.name);
        std::size_t inputs = 0;
        REQUIRE(std::filesystem::is_directory(corpus / target.name));
        for (const auto& file : std::filesystem::directory_iterator(corpus / target.name)) {
            INFO(file.path().filename().string());
            const std::string bytes = bytes_of(file.path());
            target.run(bytes);
            // A remote side may stop anywhere.
            const std::size_t step = std::max<std::size_t>(1, bytes.size() / 64);
            for (std::size_t cut = 0; cut < bytes.size(); cut += step) {
                target.run(std::string_view(bytes).substr(0, cut));
            }
            ++inputs;
        }
        CHECK(inputs >= 2);
    }
}

TEST_CASE("every corpus folder has a target") {
    for (const auto& folder : std::filesystem::directory_iterator(LEVERD_CORPUS)) {
        const std::string name = folder.path().filename();
        INFO(name);
        CHECK(std::any_of(targets().begin(), targets().end(),
                          [&name](const Target& target) { return target.name == name; }));
    }
}

}  // namespace
}  // namespace leverd::fuzz
