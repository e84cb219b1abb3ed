// Why: what an operator reads after each mistake in a lever of their own: each of these would have
// acted on something that was not meant, or shown a secret.
#include "tests/catch.hpp"
#include "tests/unit/config/fixture.hpp"

namespace leverd::config {
namespace {

std::string first_line(const std::string& toml) {
    const auto all = problems_of(toml);
    const auto from = all.find_first_not_of('\n');
    return from == std::string::npos ? std::string{}
                                     : all.substr(from, all.find('\n', from) - from);
}

std::string lever(const std::string& more) {
    return "[secrets]\nhook = { environment = \"HOOK\" }\ncp = { environment = \"CP\" }\n"
           "again = { environment = \"CP\" }\n[[lever]]\nid = \"own\"\ntitle = \"Own\"\n"
           "subjects = [\"tenant/*\"]\n" +
           more;
}

}  // namespace

TEST_CASE("a declared lever that is whole has no problem") {
    CHECK(first_line(lever("kind = \"http\"\nurl = \"https://h.example/{slug}/x?id={id}\"\n"
                           "secret = \"hook\"\nbody = '{\"t\":\"{slug}\"}'\n")) == "");
    CHECK(first_line(lever("kind = \"command\"\nargv = [\"/bin/x\", \"{slug}\"]\n")) == "");
}

TEST_CASE("a declared lever is refused with the place of its mistake") {
    struct Row {
        const char* toml;
        const char* problem;
    };
    const Row rows[] = {
        {"kind = \"shell\"\n", "leverd.toml:9:8: error: unknown lever kind 'shell'"},
        {"kind = \"http\"\nurl = \"https://h.example/{name}\"\n",
         "leverd.toml:10:7: error: 'url' must be text whose only placeholders are {slug} and {id}"},
        {"kind = \"http\"\nurl = \"https://{slug}/x\"\n",
         "leverd.toml:10:7: error: 'url' must be a URL whose host stands in the config, at most "
         "with {slug} as a label of it"},
        {"kind = \"http\"\nmethod = \"GET\"\nurl = \"https://h.example/x\"\n",
         "leverd.toml:10:10: error: 'method' must be POST, PUT, PATCH or DELETE"},
        {"kind = \"http\"\nurl = \"http://h.example/x\"\nsecret = \"hook\"\n",
         "leverd.toml:10:7: error: a secret would go over http, readable on the way"},
        {"kind = \"http\"\nurl = \"https://h.example/x\"\nheaders = { X-Token = \"abc\" }\n",
         "leverd.toml:11:23: error: header 'X-Token' would carry a secret in the config"},
        {"kind = \"http\"\nurl = \"https://h.example/x\"\nstatuses = [404]\n",
         "leverd.toml:11:13: error: a status that means success is 200 to 299"},
        {"kind = \"command\"\nargv = [\"sh\", \"-c\", \"x\"]\n",
         "leverd.toml:10:8: error: 'argv' must begin with the absolute path of a program"},
        {"kind = \"command\"\nargv = [\"/bin/x\"]\nno_effect_exit_codes = [0]\n",
         "leverd.toml:11:25: error: an exit code without effect is a number from 1 to 255"},
        {"kind = \"command\"\nargv = [\"/bin/x\"]\nno_effect_exit_codes = 4\n",
         "leverd.toml:11:24: error: 'no_effect_exit_codes' must be an array of numbers"},
        {"kind = \"http\"\nurl = \"https://h.test/\"\nno_effect_exit_codes = [4]\n",
         "leverd.toml:11:1: error: unknown key 'no_effect_exit_codes' in [[lever]]"},
        {"kind = \"command\"\n", "leverd.toml:5:1: error: [[lever]] needs 'argv'"},
        {"kind = \"http\"\nurl = \"https://h.example/x\"\nsecret = \"cp\"\n[[lever]]\n"
         "id = \"two\"\ntitle = \"Two\"\nsubjects = [\"tenant/*\"]\nkind = \"http\"\n"
         "url = \"https://other.example/x\"\nsecret = \"again\"\n",
         "leverd.toml:18:10: error: secret 'again' would be sent to two hosts: "
         "https://h.example and https://other.example"},
    };
    for (const auto& row : rows) {
        CHECK(first_line(lever(row.toml)) == row.problem);
    }
}

TEST_CASE("the sealing key is a secret's name, and of the one lever that seals") {
    const std::string secrets = "[secrets]\nsealing = { environment = \"SEALING\" }\n";
    const auto with = [&](const char* id, const char* key) {
        return first_line(secrets + "[[lever]]\nid = \"" + id + "\"\nsealing_key = \"" + key +
                          "\"\n");
    };
    CHECK(with("workspace-reprovision", "sealing") == "");
    CHECK(with("workspace-reprovision", "seeling") ==
          "leverd.toml:5:15: error: 'sealing_key' does not name a secret of [secrets]");
    CHECK(with("tenant-redeploy", "sealing") ==
          "leverd.toml:5:1: error: unknown key 'sealing_key' in [[lever]]");
}

}  // namespace leverd::config
