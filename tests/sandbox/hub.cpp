// Why: see hub.hpp.
#include "hub.hpp"

#include <algorithm>

namespace sandbox {

std::shared_ptr<Audience> Hub::join(const std::string& slug) {
    std::erase_if(all_, [](const auto& one) { return one.expired(); });
    auto made = std::make_shared<Audience>();
    made->slug = slug;
    all_.push_back(made);
    return made;
}

void Hub::tell(const std::string& slug, const std::string& frame) {
    for (const auto& one : all_) {
        const auto listener = one.lock();
        if (!listener || listener->slug != slug || listener->frames.size() >= kMostFrames) {
            continue;
        }
        listener->frames.push_back(frame);
        if (listener->wake) {
            listener->wake();
        }
    }
}

void Hub::cut(const std::string& slug) {
    for (const auto& one : all_) {
        const auto listener = one.lock();
        if (listener && listener->slug == slug && !listener->over) {
            listener->over = true;
            if (listener->wake) {
                listener->wake();
            }
        }
    }
}

std::size_t Hub::listeners(const std::string& slug) const {
    return static_cast<std::size_t>(std::count_if(all_.begin(), all_.end(), [&](const auto& one) {
        const auto listener = one.lock();
        return listener && listener->slug == slug && !listener->over;
    }));
}

}  // namespace sandbox
