// Why: as precompiled.hpp, for tests of the layers that talk to the network.
#pragma once

#include "cmake/precompiled_net.hpp"
#include "tests/catch.hpp"
