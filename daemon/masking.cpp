// Why: see masking.hpp. Looks are redacted where they are made; a plan is followed to the letter,
// so it holds no secret from the start.
#include "daemon/masking.hpp"

#include "core/base/redact.hpp"

#include <utility>

namespace leverd {
namespace {

struct Mask {
    static void theirs(std::string& text) { text = redact(text); }
    static void ours(std::string& text) { text = mask_known(std::move(text)); }

    void operator()(PlanResult& event) const { theirs(event.problem); }
    void operator()(Outcome& event) const {
        theirs(event.detail);
        for (auto& [name, value] : event.results) {
            ours(value);
        }
    }
    void operator()(Settled& event) const { theirs(event.detail); }
    void operator()(Diagnosed& event) const {
        for (auto& one : event.diagnostics) {
            theirs(one.text);
        }
    }
    void operator()(FireByHand& event) const {
        theirs(event.plan.problem);
        ours(event.who);
        ours(event.why);
    }
    template <class T>
        requires requires(T& event) {
            event.who;
            event.why;
        }
    void operator()(T& event) const {
        ours(event.who);
        ours(event.why);
    }
    // Nothing in the others was written by somebody else, or it is masked already.
    template <class T>
    void operator()(T&) const {}
};

}  // namespace

void mask(Event& event) {
    std::visit(Mask{}, event);
}

}  // namespace leverd
