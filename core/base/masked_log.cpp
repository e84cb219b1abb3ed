// Why: see masked_log.hpp.
#include "core/base/masked_log.hpp"

#include "core/base/redact.hpp"

#include <string>
#include <string_view>
#include <utility>

namespace leverd {
namespace {

class Masked final : public spdlog::formatter {
  public:
    explicit Masked(std::unique_ptr<spdlog::formatter> inner) : inner_(std::move(inner)) {}

    void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& to) override {
        spdlog::memory_buf_t line;
        inner_->format(message, line);
        const std::string shown = mask_known(std::string(line.data(), line.size()));
        to.append(shown.data(), shown.data() + shown.size());
    }
    std::unique_ptr<spdlog::formatter> clone() const override { return masked(inner_->clone()); }

  private:
    std::unique_ptr<spdlog::formatter> inner_;
};

}  // namespace

std::unique_ptr<spdlog::formatter> masked(std::unique_ptr<spdlog::formatter> inner) {
    return std::make_unique<Masked>(std::move(inner));
}

}  // namespace leverd
