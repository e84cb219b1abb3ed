// Why: a case that began and ended while nobody could be told is told once, as what it was: a
// "resolved" alone would speak of something that its reader never heard of.
#pragma once

#include "core/model/entry.hpp"

namespace leverd {

// `page` as it reads for somebody whom its beginning never reached.
Paged told_late(Paged page);

}  // namespace leverd
