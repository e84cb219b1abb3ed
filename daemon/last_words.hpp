// Why: an exception that nobody can catch, out of a thread or a destructor, or a crash ends the
// process all the same. No core is written, for secrets; so it says so in one line and exits with
// 1, like every other end that is not meant.
#pragma once

namespace leverd {

// From here on, for the whole process.
void end_with_last_words();

}  // namespace leverd
