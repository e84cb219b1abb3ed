// Why: a subject names what an observation is about, e.g. "tenant/acme". The engine treats it as
// kind + name and knows no kind by heart; which subject depends on which is data (Topology).
#pragma once

#include <compare>
#include <string>
#include <string_view>
#include <utility>

namespace leverd {

class Subject {
  public:
    Subject() = default;
    explicit Subject(std::string text) : text_(std::move(text)) {}

    const std::string& text() const { return text_; }
    bool empty() const { return text_.empty(); }
    // "tenant" of "tenant/acme"; the whole text when there is no '/'.
    std::string_view kind() const { return std::string_view(text_).substr(0, text_.find('/')); }
    // "acme" of "tenant/acme"; empty when there is no '/'.
    std::string_view name() const {
        const auto slash = text_.find('/');
        return slash == std::string::npos ? std::string_view{}
                                          : std::string_view(text_).substr(slash + 1);
    }

    friend auto operator<=>(const Subject&, const Subject&) = default;

  private:
    std::string text_;
};

}  // namespace leverd
