// Why: what every lever test stands on: a configuration, two tokens to look for in everything that
// is stored or shown, a clock that stands still, and the scripted transport.
#pragma once

#include "core/base/borrowed.hpp"
#include "core/model/codec.hpp"
#include "policies/levers/lever.hpp"
#include "tests/catch.hpp"
#include "tests/unit/levers/fake_http.hpp"
#include "tests/unit/levers/fake_registry.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace leverd::test {

inline constexpr const char* cp_token = "cp-token-0123456789";
inline constexpr const char* tenant_token = "tenant-token-9876543210";
inline constexpr const char* registry_token = "registry-token-5555555";
inline constexpr const char* org_id = "11111111-2222-4333-8444-555555555555";
inline constexpr const char* intent_id = "i-1";

struct FixedClock final : Clock {
    Now value{at_millis(1'000'000), WallTime{Millis{1'780'000'000'000}}};
    Now now() const override { return value; }
};

class World {
  public:
    // `own`: a lever for this world alone, for kinds that remember what they read.
    explicit World(const std::string& lever, std::unique_ptr<levers::Lever> own = nullptr);

    Result<Plan> plan(const std::string& subject);
    // A plan that must succeed; the calls made for it are forgotten.
    Plan planned(const std::string& subject);
    // The plan that takes back what this one did.
    Result<Plan> undo(const Plan& done);
    // The plan that makes anew what this one destroyed.
    Result<Plan> recreation(const Plan& done);
    Outcome fire(const Plan& plan);
    Settled observe(const Plan& plan);
    std::optional<Observation> prove(const Plan& plan, const Outcome& outcome = {});

    void keep_in(std::shared_ptr<SecretSafe> safe) { context_.safe = std::move(safe); }
    levers::Lever* lever() const { return lever_.get(); }

    // Writes a receipt file that lives as long as the world.
    void receipt(const std::string& text);

    config::Config config;
    std::map<std::string, Secret> secrets;
    FixedClock clock;
    Inventory inventory;
    FakeHttp http;
    FakeRegistry registry;
    Now fired;
    bool leaving = false;

    World(const World&) = delete;
    World& operator=(const World&) = delete;
    ~World();

  private:
    static Intent intent_of(const Plan& done);

    std::shared_ptr<levers::Lever> lever_;
    levers::Context context_;
    std::string receipt_path_;
};

// No token of the world in any text of these.
void check_no_token(const Plan& plan);
void check_no_token(const Outcome& outcome);
void check_no_token(const std::string& text);

}  // namespace leverd::test
