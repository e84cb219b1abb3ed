// Why: each small grammar accepts what it should and nothing near it.
#include "tests/catch.hpp"

#include <span>
#include <string_view>

#include "config/values.hpp"

namespace leverd::config {
namespace {

struct Row {
    TextCheck check;
    std::string_view value;
    bool good;
};

TEST_CASE("durations are a whole number and a unit") {
    CHECK(parse_duration("250ms") == Millis{250});
    CHECK(parse_duration("30s") == Millis{30'000});
    CHECK(parse_duration("15m") == Millis{900'000});
    CHECK(parse_duration("2h") == Millis{7'200'000});
    CHECK(parse_duration("3d") == Millis{259'200'000});
    CHECK(parse_duration("0s") == Millis{0});
    CHECK(parse_duration("999999999d") == Millis{999'999'999LL * 86'400'000});
    for (const auto* bad : {"", "s", "30", "0", "-5s", "+5s", "1.5s", "30 s", " 30s", "30s ", "30S",
                            "1h30m", "9999999999s", "30sec", "1w"}) {
        CAPTURE(bad);
        CHECK_FALSE(parse_duration(bad));
    }
}

static void check_all(std::span<const Row> rows) {
    for (const Row& row : rows) {
        CAPTURE(row.value);
        CHECK(!row.check(row.value) == row.good);
    }
}

TEST_CASE("values are checked by their spelling") {
    const std::string long_name(64, 'a');
    const Row rows[] = {
        {an_id, "tenant-health", true},
        {an_id, "Tenant", false},
        {an_id, "-x", false},
        {an_id, "", false},
        {an_id, long_name, false},
        {any_text, "Login broken / API errors", true},
        {any_text, "", false},
        {any_text, "two\nlines", false},
        {optional_text, "", true},
        {a_listen_address, "127.0.0.1:9847", true},
        {a_listen_address, "[::1]:0", true},
        {a_listen_address, "0.0.0.0:65535", true},
        {a_listen_address, "127.0.0.1", false},
        {a_listen_address, "127.0.0.1:65536", false},
        {a_listen_address, "127.0.0.1:-1", false},
        {a_listen_address, "localhost:80", false},
        {a_listen_address, ":80", false},
        {a_listen_address, "[::1:80", false},
        {a_nameserver, "9.9.9.9", true},
        {a_nameserver, "2620:fe::fe", true},
        {a_nameserver, "[2620:fe::fe]:53", true},
        {a_nameserver, "127.0.0.1:15353", true},
        {a_nameserver, "127.0.0.1:0", false},
        {a_nameserver, "dns.example", false},
        {a_url, "https://a.example/x?y=1", true},
        {a_url, "http://127.0.0.1:8080", true},
        {a_url, "ws://a.example", false},
        {a_url, "https://", false},
        {a_url, "https:///x", false},
        {a_url, "https://a.example:99999", false},
        {a_url, "https://a.example:0", false},
        {a_url, "https://a.example/#x", false},
        {a_url, "https://u@a.example", false},
        {a_url, "https://a.example/ x", false},
        {a_url, "a.example", false},
        {a_base_url, "https://a.example/sub", true},
        {a_base_url, "https://a.example?x", false},
        {a_tenant_url, "https://{slug}.a.example", true},
        {a_tenant_url, "https://{slug}.a.example:8443", true},
        {a_tenant_url, "https://{name}.a.example", false},
        {a_tenant_url, "https://a.example", false},
    };
    check_all(rows);
}

TEST_CASE("paths, globs and subjects are checked by their spelling") {
    const Row rows[] = {
        {a_url_path, "/cp/admin/orgs?limit=500", true},
        {a_url_path, "//evil.example", false},
        {a_url_path, "/{slug}", false},
        {a_url_path, "/a b", false},
        {a_slug_path, "/cp/{slug}/redeploy", true},
        {a_slug_path, "/cp/{slug}/{id}", false},
        {a_slug_path, "/cp/redeploy", false},
        {a_repository, "molecule-ai/platform", true},
        {a_repository, "Molecule-AI/platform", false},
        {a_repository_prefix, "molecule-ai/workspace-template-", true},
        {a_repository_prefix, "../", false},
        {a_slug_glob, "demo-*", true},
        {a_slug_glob, "Demo", false},
        {a_subject_glob, "*", true},
        {a_subject_glob, "**", true},
        {a_subject_glob, "workspace/demo/*", true},
        {a_subject_glob, "image/molecule-ai/platform*", true},
        {a_subject_glob, "*/demo", false},
        {a_subject_glob, "tenant//x", false},
        {a_subject_glob, "tenant/", false},
        {a_subject_glob, "tenant/a b", false},
        {a_subject, "control-plane", true},
        {a_subject, "tenant/*", false},
        {a_parent_pattern, "tenant/{tenant}", true},
        {a_parent_pattern, "image/x-{name}", true},
        {a_parent_pattern, "tenant/{tenant", false},
        {a_parent_pattern, "tenant/tenant}", false},
        {a_parent_pattern, "tenant/{}", false},
        {a_parent_pattern, "tenant/{a{b}}", false},
        {a_parent_pattern, "{kind}/x", false},
        {a_secret_name, "cp_admin.v2", true},
        {a_secret_name, "../x", false},
        {a_secret_name, "a/b", false},
        {a_credential_name, "..", false},
        {an_environment_name, "CP_TOKEN", true},
        {an_environment_name, "1X", false},
        {an_environment_name, "A=B", false},
        {a_fact_name, "failed_percent", true},
        {a_fact_name, "failed percent", false},
    };
    check_all(rows);
}

TEST_CASE("http is in clear unless it stays on this machine") {
    CHECK(sends_in_clear("http://a.example"));
    CHECK(sends_in_clear("http://{slug}.a.example"));
    CHECK(sends_in_clear("http://127.example"));
    CHECK_FALSE(sends_in_clear("https://a.example"));
    CHECK_FALSE(sends_in_clear("http://127.0.0.1:5000"));
    CHECK_FALSE(sends_in_clear("http://[::1]:5000"));
    CHECK_FALSE(sends_in_clear("http://{slug}.localhost:80"));
}

}  // namespace
}  // namespace leverd::config
