// Why: what test files read besides what leverd reads, parsed once per build.
#pragma once

#include "cmake/precompiled.hpp"
#include "tests/catch.hpp"
