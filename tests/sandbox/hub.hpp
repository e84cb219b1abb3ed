// Why: a tenant tells everybody who listens what happens to it. Like the real hub it keeps a
// bounded number of frames per listener, drops the rest without a word, and replays nothing.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace sandbox {

// One listener. The socket's side takes the frames and sets `wake`.
struct Audience {
    std::string slug;
    std::deque<std::string> frames;
    bool over = false;  // the process behind it is gone
    std::function<void()> wake;
};

class Hub {
  public:
    static constexpr std::size_t kMostFrames = 256;

    std::shared_ptr<Audience> join(const std::string& slug);
    void tell(const std::string& slug, const std::string& frame);
    void cut(const std::string& slug);
    std::size_t listeners(const std::string& slug) const;

  private:
    std::vector<std::weak_ptr<Audience>> all_;
};

}  // namespace sandbox
