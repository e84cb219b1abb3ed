// Why: see control_http.cpp; plain HTTP on loopback only.
#pragma once

#include "story.hpp"

namespace sandbox {

struct Control {
    World* world = nullptr;
    Story* story = nullptr;
    json ports;
};

Reply control_call(Control& control, Request& request);

}  // namespace sandbox
